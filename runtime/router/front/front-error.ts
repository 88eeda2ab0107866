import { STATUS_CODES } from 'node:http';
import type { CodedError } from '../../shared/errors.ts';

/** A whole answer that closes its connection, for what could not be read as a request. */
export function frontErrorAnswer(error: CodedError): string {
  const body = JSON.stringify(error.toBody());
  return [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    `date: ${new Date().toUTCString()}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    '',
    // Latin-1 like all of an answer that is written as text: the message may quote what was sent.
    Buffer.from(body).toString('latin1'),
  ].join('\r\n');
}
