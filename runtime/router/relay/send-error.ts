import { STATUS_CODES } from 'node:http';
import type { CodedError } from '../../shared/errors.ts';
import type { ClientResponse } from '../front/client-response.ts';

/** Answers with a coded error. What is left of the request's body is read and thrown away by its connection. */
export function sendError(response: ClientResponse, requestId: string, error: CodedError): void {
  const body = Buffer.from(JSON.stringify(error.toBody()));
  const headers = [
    ...['date', new Date().toUTCString()],
    ...['content-type', 'application/json'],
    ...['content-length', String(body.length)],
    ...['x-fleet-request-id', requestId],
  ];
  if (error.retryAfterSeconds !== undefined) headers.push('retry-after', String(error.retryAfterSeconds));
  if (error.status === 401) headers.push('www-authenticate', 'Bearer');
  if (error.status === 405) headers.push('allow', 'POST');
  response.writeHead(error.status, STATUS_CODES[error.status] ?? '', headers);
  response.end(body);
}
