import { z } from 'zod';
import type { Worker } from '../coordinator/worker.ts';
import type { EngineClient } from '../upstream/engine-client.ts';
import type { BrokenStream, ContinuationPlan } from './continuation/broken-stream.ts';
import { planContinuation } from './continuation/plan.ts';
import type { Passage } from './passage.ts';

const tokenizeTimeoutMs = 2_000;

/**
 * How the stream of `passage` can go on from what its client has received.
 * @param rid id of the request on the next engine
 * @param worker the next engine, asked for the exact token count of the text so far when the stream did not tell it
 */
export async function nextContinuation(
  passage: Passage,
  rid: string,
  worker: Worker | undefined,
): Promise<ContinuationPlan> {
  const { answer, dialect } = passage;
  if (!answer.record || !isContinuable(dialect)) return { kind: 'cannot', reason: 'its kind of answer has no rest' };
  // Each event of /generate repeats all before it, so its last events are enough.
  if (!answer.record.isComplete && (dialect !== 'generate' || !isCumulative(answer.record.parts))) {
    return { kind: 'cannot', reason: 'more was sent than is kept' };
  }
  const broken: BrokenStream = { dialect, body: Buffer.concat(passage.body), sent: answer.record.parts, rid };
  const plan = planContinuation(broken);
  if (plan.kind !== 'continue' || plan.spent.source !== 'events' || !worker) return plan;
  const textIds = await tokenize(worker.engine, plan.text).catch(() => undefined);
  return textIds === undefined ? plan : planContinuation({ ...broken, textIds });
}

export function isContinuable(dialect: Passage['dialect']): dialect is BrokenStream['dialect'] {
  return dialect === 'chat' || dialect === 'completions' || dialect === 'generate';
}

const tokenizeSchema = z.object({ tokens: z.array(z.int()) });

async function tokenize(engine: EngineClient, prompt: string): Promise<readonly number[]> {
  const body = { prompt, add_special_tokens: false };
  return tokenizeSchema.parse(await engine.call('/tokenize', { body, timeoutMs: tokenizeTimeoutMs })).tokens;
}

/** Whether the last two events of a /generate stream show that each repeats what was before. */
function isCumulative(parts: readonly Buffer[]): boolean {
  const events = Buffer.concat(parts.slice(-4))
    .toString()
    .split('\n\n')
    .filter((event) => event.startsWith('data: {'));
  try {
    const [before, last] = events
      .slice(-2)
      .map((event) => (JSON.parse(event.slice(6)) as { text?: string }).text ?? '');
    return (
      before !== undefined &&
      before !== '' &&
      last !== undefined &&
      last.length > before.length &&
      last.startsWith(before)
    );
  } catch {
    return false;
  }
}
