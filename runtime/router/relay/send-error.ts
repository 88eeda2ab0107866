import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CodedError } from '../../shared/errors.ts';

/** Answers with a coded error. The connection closes when the request's body was not read to its end. */
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
  if (!request.complete) response.setHeader('connection', 'close');
  response.end(body);
}
