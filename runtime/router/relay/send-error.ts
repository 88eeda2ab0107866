import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CodedError } from '../../shared/errors.ts';

/** How long the rest of a body that was refused is read and thrown away, in ms. */
const lingerMs = 10_000;

/**
 * Answers with a coded error. What is left of the request's body is read and thrown away for a while: a connection that
 * closes at once resets, and a client that is still sending then never sees the answer.
 */
export function sendError(
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
  error: CodedError,
): void {
  const body = JSON.stringify(error.toBody());
  response.statusCode = error.status;
  response.setHeader('content-type', 'application/json');
  response.setHeader('content-length', Buffer.byteLength(body));
  response.setHeader('x-fleet-request-id', requestId);
  if (error.retryAfterSeconds !== undefined) response.setHeader('retry-after', error.retryAfterSeconds);
  if (error.status === 405) response.setHeader('allow', 'POST');
  response.end(body);
  if (request.complete) return;
  request.resume();
  const timer = setTimeout(() => request.destroy(), lingerMs);
  request.once('close', () => clearTimeout(timer));
}
