import { routerError } from '../errors.ts';
import { maxHeadBytes } from './request-head.ts';

const headEnd = Buffer.from('\r\n\r\n');
const carriageReturn = 13;
const lineFeed = 10;

/** Where a request head ends in what has arrived. */
export interface CutHead {
  /** From the first byte of the head on: empty lines ahead of it are passed over (RFC 9112 section 2.2). */
  readonly bytes: Buffer;
  /** Length of the head without the empty line at its end; undefined when more has to come. */
  readonly headLength: number | undefined;
  /** Where the body begins. */
  readonly bodyAt: number;
}

/** @throws CodedError HEAD_TOO_LARGE */
export function cutHead(arrived: Buffer): CutHead {
  let start = 0;
  while (arrived[start] === carriageReturn && arrived[start + 1] === lineFeed) start += 2;
  const bytes = arrived.subarray(start);
  const end = bytes.indexOf(headEnd);
  if (end > maxHeadBytes || (end < 0 && bytes.length > maxHeadBytes)) {
    throw routerError('HEAD_TOO_LARGE', { limitBytes: maxHeadBytes });
  }
  return { bytes, headLength: end < 0 ? undefined : end, bodyAt: end + headEnd.length };
}
