import fc from 'fast-check';
import { type ResponseHead, ResponseParser } from '../../../runtime/shared/http/response-parser.ts';

interface Parsed {
  head: ResponseHead | undefined;
  body: string;
  end: 'reusable' | 'not reusable' | undefined;
}

function parse(parts: readonly (string | Buffer)[], closes = false): Parsed {
  const parsed: Parsed = { head: undefined, body: '', end: undefined };
  const parser = new ResponseParser({
    onHead: (head) => {
      parsed.head = head;
    },
    onBody: (bytes) => {
      parsed.body += bytes.toString('latin1');
    },
    onEnd: (reusable) => {
      parsed.end = reusable ? 'reusable' : 'not reusable';
    },
  });
  for (const part of parts) parser.push(Buffer.from(part as string, 'latin1'));
  if (closes) parser.end();
  return parsed;
}

const chunked =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nb;x=y\r\n wide world\r\n0\r\nX-T: 1\r\n\r\n';

describe('responses of engines', () => {
  test('a body of known length', () => {
    const parsed = parse(['HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nok']);
    expect(parsed).toMatchObject({ body: 'ok', end: 'reusable' });
    expect(parsed.head).toMatchObject({ status: 200, reason: 'OK', rawHeaders: ['Content-Length', '2', 'X-A', 'b'] });
  });

  test('chunks with extensions and trailers', () => {
    expect(parse([chunked])).toMatchObject({ body: 'hello wide world', end: 'reusable' });
  });

  test('a body that ends with the connection', () => {
    const parsed = parse(['HTTP/1.0 200 OK\r\n\r\nall of', ' it'], true);
    expect(parsed).toMatchObject({ body: 'all of it', end: 'not reusable' });
  });

  test('a close in the middle of a counted body is no end', () => {
    expect(parse(['HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'], true).end).toBeUndefined();
  });

  test('connection: close forbids another request', () => {
    expect(parse(['HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n']).end).toBe('not reusable');
  });

  test('an interim answer is passed over', () => {
    expect(parse(['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n'])).toMatchObject({
      end: 'reusable',
      head: { status: 204 },
    });
  });

  test.each([
    ['garbage', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', 'bad status line'],
    ['a header without a colon', 'HTTP/1.1 200 OK\r\nnonsense\r\n\r\n', 'bad header line'],
    [
      'two different lengths',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      'bad content-length',
    ],
    ['a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n', 'bad content-length'],
    ['a bad chunk size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 'bad chunk size'],
    [
      'a chunk that is too long',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n',
      'longer than its size',
    ],
    ['bytes behind the end', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab', 'after the end'],
    ['an endless head', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(200_000)}`, 'head exceeds'],
  ])('%s is a syntax error', (_what, text, message) => {
    expect(() => parse([text])).toThrow(message);
  });

  test('reads the same however the bytes are cut', () => {
    const whole = parse([chunked]);
    fc.assert(
      fc.property(fc.array(fc.nat(chunked.length)), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), chunked.length];
        expect(parse(at.slice(1).map((end, i) => chunked.slice(at[i], end)))).toEqual(whole);
      }),
    );
  });
});
