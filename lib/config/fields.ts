import { z } from 'zod';

/** An object whose unknown fields are mistakes, reported with the fields that exist. */
export function section<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `unknown field; fields here are ${Object.keys(shape).join(', ')}`
        : undefined,
  });
}

/** A string of one form. @param advice what to write instead */
export const text = (pattern: RegExp, advice: string) => z.string().regex(pattern, advice);
/** A whole number. */
export const count = (min: number, max: number) => z.int().min(min).max(max);
/** A part of a whole, 0 to 1. */
export const share = () => z.number().min(0).max(1);

export const slug = text(/^[a-z][a-z0-9-]{0,29}$/, 'use a lower-case letter, then up to 29 of a-z, 0-9 and -');
export const ipv4Network = z.cidrv4({ error: 'write an IPv4 network such as 10.40.0.0/16' });
export const instanceType = text(/^[a-z0-9-]+\.[a-z0-9-]+$/, 'write an EC2 instance type such as g6.xlarge');
export const availabilityZone = text(/^[a-z]{2}(-[a-z]+)+-\d[a-z]$/, 'write a zone such as us-east-1a');
export const email = z.email('write an e-mail address');

/** The name of an AWS resource. @param service as in the name's third part */
export const arn = (service: string, example: string) =>
  text(new RegExp(`^arn:aws[a-z-]*:${service}:[a-z0-9-]*:\\d{12}:.+$`), `write an ARN such as ${example}`);
export const secretArn = arn('secretsmanager', 'arn:aws:secretsmanager:us-east-1:123456789012:secret:keys-AbCdEf');

/** Fields of a machine image: an id changes when you change it, a parameter whenever its owner does. */
export const imageShape = {
  id: text(/^ami-[0-9a-f]{8,17}$/, 'write an AMI id such as ami-0123456789abcdef0')
    .optional()
    .describe('AMI id. Nothing changes until you change it.'),
  ssmParameter: text(/^\/[\w./-]+$/, 'write the name of an SSM parameter, which starts with /')
    .optional()
    .describe('SSM parameter that holds an AMI id, read at each deployment, which may then replace instances.'),
};
export const image = section(imageShape)
  .refine((value) => (value.id === undefined) !== (value.ssmParameter === undefined), 'give either id or ssmParameter')
  .describe('Machine image, Amazon Linux 2023.');
