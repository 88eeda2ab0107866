import { z } from 'zod';
import { CodedError } from '../../shared/errors.ts';

const bodySchema = z.object({
  error: z.object({
    message: z.string(),
    type: z.string().catch('server_error'),
    param: z.string().nullish().catch(null),
    code: z.string().catch('RUNNER_FAILED'),
  }),
});

/**
 * What a runner refused or failed with, as it came.
 * @param body its answer or error event, in the shape of OpenAI's errors; anything else becomes RUNNER_FAILED
 */
export function runnersError(body: unknown, status: number): CodedError {
  const parsed = bodySchema.safeParse(body);
  const { message, type, param, code } = parsed.data?.error ?? {
    message: `The runner answered with status ${status} and no reason.`,
    type: 'server_error',
    param: null,
    code: 'RUNNER_FAILED',
  };
  const retryable = status >= 500 || status === 429 || status === 409;
  return new CodedError(code, { status, type, message, retryable }, {}, param ? { param } : {});
}

/**
 * Whether another runner may do better with a sandbox that this one did not make: not when the request is at fault.
 */
export function isWorthAnotherRunner(error: CodedError): boolean {
  return ![400, 404, 413, 422].includes(error.status);
}
