import type { IncomingMessage } from 'node:http';
import { routerError } from '../errors.ts';

/**
 * Reads a request body whole, as bytes: what was sent can then be sent again to another worker.
 * Throws BODY_TOO_LARGE as soon as the limit is known to be passed, and ends the reading; rejects with the socket's
 * error when the client goes away.
 */
export function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const tooLarge = () => routerError('BODY_TOO_LARGE', { limitBytes });
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > limitBytes) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    // A large body goes straight to its place; small ones are cheaper to join at the end.
    const whole = announced >= minPlacedBytes ? Buffer.allocUnsafeSlow(announced) : undefined;
    const parts: Buffer[] = [];
    let size = 0;
    request.on('data', (part: Buffer) => {
      size += part.length;
      if (size > limitBytes) {
        request.removeAllListeners('data');
        request.pause();
        reject(tooLarge());
      } else if (whole) {
        part.copy(whole, size - part.length);
      } else {
        parts.push(part);
      }
    });
    request.on('end', () => resolve(whole ?? (parts.length === 1 ? parts[0]! : Buffer.concat(parts, size))));
    request.on('error', reject);
    request.on('close', () => {
      if (!request.complete) reject(new Error('the client closed the connection before its request was complete'));
    });
  });
}

const minPlacedBytes = 256 * 1024;
