import { ResponseSyntaxError } from './http/response-parser.ts';

/** The instance metadata service answered, but not with what was asked for. */
export class MetadataError extends Error {
  /** HTTP status; undefined for an answer that was no HTTP error. */
  readonly status: number | undefined;

  /** @param answer an HTTP status, or what was wrong with the answer */
  constructor(path: string, answer: number | string) {
    super(`The instance metadata service answered ${answer} for ${path}.`);
    this.name = 'MetadataError';
    this.status = typeof answer === 'number' ? answer : undefined;
  }
}

const unreachableCodes = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  // What a firewall of the machine itself gives.
  'EACCES',
  'EPERM',
]);

/**
 * On the first request for a token: there is no EC2 metadata service. Nothing listens, the address is not routed, the
 * time is over, the service is switched off (403), or something else answers, which does not know EC2's token.
 */
export function saysAbsent(error: unknown): boolean {
  if (error instanceof MetadataError) return error.status === undefined || (error.status < 500 && error.status !== 429);
  if (error instanceof RangeError || error instanceof ResponseSyntaxError) return true;
  const { name, code } = error as NodeJS.ErrnoException;
  return name === 'TimeoutError' || (code !== undefined && unreachableCodes.has(code));
}

/** Another attempt may succeed: all but a refusal and an answer that is too long. */
export function isWorthAnotherAttempt(error: unknown): boolean {
  if (error instanceof MetadataError)
    return error.status !== undefined && (error.status >= 500 || error.status === 429);
  return !(error instanceof RangeError);
}
