import { z } from 'zod';
import { logRetentionDays } from '../data/log-retention.ts';
import { arn, count, email, section } from './fields.ts';

export const logsSchema = section({
  retentionDays: z
    .literal(logRetentionDays, { error: `CloudWatch keeps logs for ${logRetentionDays.join(', ')} days` })
    .describe('How long logs are kept.'),
});

export const alarmsSchema = section({
  emails: z.array(email).default([]).describe('Who gets a mail; each confirms once.'),
  topicArn: arn('sns', 'arn:aws:sns:us-east-1:123456789012:on-call')
    .optional()
    .describe('A topic that is there already, instead of a new one.'),
  firstTokenSeconds: z
    .number()
    .min(0.1)
    .max(600)
    .default(10)
    .describe('p95 of the time to first token that wakes somebody.'),
  noWorkerMinutes: count(1, 60).default(5).describe('Requests without any ready worker for this long wake somebody.'),
});

export const budgetSchema = section({
  monthlyUsd: count(1, 10_000_000).describe('Cost of everything with the tag of the fleet, in US dollars a month.'),
  emails: z.array(email).min(1).max(10).describe('Who is told at 80 % of it, and at 100 % by forecast.'),
});
