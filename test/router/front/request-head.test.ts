import fc from 'fast-check';
import { parseRequestHead } from '../../../runtime/router/front/request-head.ts';
import { CodedError } from '../../../runtime/shared/errors.ts';

const parse = (...lines: string[]) => parseRequestHead(['POST /generate HTTP/1.1', 'Host: a', ...lines].join('\r\n'));

/** The code of the error that parsing throws, `accepted` when it throws none. */
function verdict(text: string): string {
  try {
    parseRequestHead(text);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return error.code;
  }
}

test('a head as clients send it', () => {
  const head = parse(
    'Content-Type: application/json',
    'X-API-Key:\t k \t',
    'content-length: 12',
    'Authorization:Bearer x',
  );
  expect(head).toMatchObject({
    method: 'POST',
    target: '/generate',
    contentType: 'application/json',
    apiKey: 'k',
    authorization: 'Bearer x',
    contentLength: 12,
    takesChunks: true,
    keepsAlive: true,
    expectsContinue: false,
  });
});

test('a body has one length: counted, chunked or none', () => {
  expect(parse('Content-Length: 007').contentLength).toBe(7);
  expect(parse('Transfer-Encoding: CHUNKED').contentLength).toBeUndefined();
  expect(parse().contentLength).toBe(0);
});

test.each([
  ['1.1', [], true],
  ['1.1', ['Connection: close'], false],
  ['1.1', ['Connection: upgrade,\tClose'], false],
  ['1.1', ['Connection: x', 'connection: close'], false],
  ['1.0', [], false],
  ['1.0', ['Connection: Keep-Alive'], true],
])('HTTP/%s with %j keeps the connection: %s', (version, lines, keepsAlive) => {
  const head = parseRequestHead([`POST / HTTP/${version}`, 'Host: a', ...lines].join('\r\n'));
  expect(head).toMatchObject({ keepsAlive, takesChunks: version === '1.1' });
});

test.each([
  ['two lengths', 'Content-Length: 1\r\nContent-Length: 1'],
  ['a list of lengths', 'Content-Length: 1, 1'],
  ['a signed length', 'Content-Length: +1'],
  ['a length in hex', 'Content-Length: 0x1'],
  ['an empty length', 'Content-Length:'],
  ['a length beyond what can be counted', 'Content-Length: 9999999999999999'],
  ['a length beside chunks', 'Content-Length: 1\r\nTransfer-Encoding: chunked'],
  ['chunks beside a length', 'Transfer-Encoding: chunked\r\nContent-Length: 1'],
  ['white space before the colon', 'Content-Length : 1'],
  ['a folded line', 'X: a\r\n Content-Length: 1'],
  ['a bare line feed', 'X: a\nContent-Length: 1'],
  ['a bare carriage return', 'X: a\rContent-Length: 1'],
  ['a NUL', 'X: a\0b'],
  ['a line without a colon', 'X'],
  ['a header without a name', ': x'],
  ['a second host', 'Host: b'],
])('%s: refused, since two parties could read it differently', (_what, lines) => {
  expect(verdict(`POST / HTTP/1.1\r\nHost: a\r\n${lines}`)).toBe('BAD_HTTP_REQUEST');
});

test.each([
  ['POST / HTTP/1.1', 'BAD_HTTP_REQUEST'], // no host
  ['POST  / HTTP/1.1\r\nHost: a', 'BAD_HTTP_REQUEST'],
  ['POST / x HTTP/1.1\r\nHost: a', 'BAD_HTTP_REQUEST'],
  [' POST / HTTP/1.1\r\nHost: a', 'BAD_HTTP_REQUEST'],
  ['POST /\nHost: HTTP/1.1\r\nHost: a', 'BAD_HTTP_REQUEST'],
  ['POST / HTTP/1.1 \r\nHost: a', 'BAD_HTTP_REQUEST'],
  ['POST /\xe9 HTTP/1.1\r\nHost: a', 'BAD_HTTP_REQUEST'],
  ['PRI * HTTP/2.0', 'UNSUPPORTED_HTTP_VERSION'],
  ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked', 'UNSUPPORTED_TRANSFER_CODING'],
  [
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
    'UNSUPPORTED_TRANSFER_CODING',
  ],
  ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked', 'BAD_HTTP_REQUEST'],
  ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked', 'UNSUPPORTED_TRANSFER_CODING'],
  ['POST / HTTP/1.0\r\nTransfer-Encoding: chunked', 'BAD_HTTP_REQUEST'],
  ['POST / HTTP/1.0', 'accepted'],
])('%j: %s', (text, code) => {
  expect(verdict(text)).toBe(code);
});

const name = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,12}$/);
const value = fc.stringMatching(/^([!-~\x80-\xff]([ \t!-~\x80-\xff]{0,20}[!-~\x80-\xff])?)?$/);
const framing = /^(host|content-length|transfer-encoding)$/i;

test('any valid headers come out as they went in', () => {
  const headers = fc.array(fc.tuple(name, value).filter(([key]) => !framing.test(key)));
  fc.assert(
    fc.property(headers, fc.stringMatching(/^\/[!-~]{0,30}$/), (pairs, target) => {
      const lines = pairs.map(([key, text]) => `${key}: ${text}`);
      const head = parseRequestHead([`PUT ${target} HTTP/1.1`, 'Host: h', ...lines].join('\r\n'));
      expect(head.rawHeaders).toEqual(['Host', 'h', ...pairs.flat()]);
      expect(head.target).toBe(target);
    }),
  );
});

test('whatever is sent, it is accepted or refused with a code', () => {
  const piece = fc.constantFrom('POST / HTTP/1.1', '\r\n', '\n', '\r', 'Host: a', 'Content-Length: 5', ':', ' ', '\t');
  const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array).toString('latin1'));
  fc.assert(fc.property(fc.array(fc.oneof(piece, bytes)), (parts) => void verdict(parts.join(''))));
});

test('no spelling of two framings is accepted', () => {
  const framings = fc.constantFrom('Content-Length', 'content-length', 'TRANSFER-ENCODING', 'Transfer-Encoding');
  const values = fc.constantFrom('5', '6', ' 5 ', 'chunked', 'Chunked', 'identity', '');
  const line = fc.tuple(framings, values).map(([key, text]) => `${key}:${text}`);
  fc.assert(
    fc.property(
      fc.array(line, { minLength: 2, maxLength: 3 }),
      fc.array(value.map((text) => `x: ${text}`)),
      (two, rest) => {
        const lines = [...two.slice(0, 1), ...rest, ...two.slice(1)];
        expect(verdict(['POST / HTTP/1.1', 'Host: a', ...lines].join('\r\n'))).not.toBe('accepted');
      },
    ),
  );
});
