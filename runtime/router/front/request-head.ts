import { routerError } from '../errors.ts';

/** The head of one request, checked against RFC 9112; what fails a check is refused, never mended. */
export interface RequestHead {
  readonly method: string;
  /** Request target as sent, query included. */
  readonly target: string;
  /** Names and values in turn, as sent: the form of `http.IncomingMessage.rawHeaders`. */
  readonly rawHeaders: readonly string[];
  readonly contentType: string | undefined;
  readonly authorization: string | undefined;
  readonly apiKey: string | undefined;
  /** Bytes of the body, undefined for one in chunks. */
  readonly contentLength: number | undefined;
  /** Whether the client takes an answer in chunks, which HTTP/1.0 does not know. */
  readonly takesChunks: boolean;
  /** Whether the client lets the connection be used again. */
  readonly keepsAlive: boolean;
  /** Whether the client waits for a go-ahead before it sends its body (RFC 9110 section 10.1.1). */
  readonly expectsContinue: boolean;
}

/** Longest head that is read, in bytes. */
export const maxHeadBytes = 128 * 1024;

const requestLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([!-~]+) HTTP\/(\d)\.(\d)$/;
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Everything below a space but the tab, and DEL (RFC 9110 section 5.5). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\0-\x08\x0a-\x1f\x7f]/;

/**
 * Parses a request head, given without the empty line at its end, as Latin-1.
 * Framing that two parties could read differently (two lengths, a length beside chunks, folded lines, bare line feeds)
 * is refused: it is how one request is smuggled inside another (RFC 9112 section 11.2).
 * @throws CodedError BAD_HTTP_REQUEST, UNSUPPORTED_HTTP_VERSION or UNSUPPORTED_TRANSFER_CODING
 */
export function parseRequestHead(text: string): RequestHead {
  const lines = text.split('\r\n');
  const [, method, target, major, minor] = requestLine.exec(lines[0]!) ?? [];
  if (method === undefined) throw bad(`its first line is ${quoted(lines[0]!)}`);
  if (major !== '1') throw routerError('UNSUPPORTED_HTTP_VERSION', { version: `${major}.${minor}` });
  const isOld = minor === '0';
  const rawHeaders: string[] = [];
  let hosts = 0;
  let contentType: string | undefined;
  let authorization: string | undefined;
  let apiKey: string | undefined;
  let contentLength: number | undefined;
  let transferCoding: string | undefined;
  let connection = '';
  let expectsContinue = false;
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i]!;
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon));
    if (!token.test(name)) throw bad(`the header line ${quoted(line)} has no valid name`);
    const value = trimBlanks(line, colon + 1);
    if (controls.test(value)) throw bad(`the header "${name}" holds a control character`);
    rawHeaders.push(name, value);
    switch (name.toLowerCase()) {
      case 'host':
        hosts++;
        break;
      case 'content-type':
        contentType = value;
        break;
      case 'authorization':
        authorization = value;
        break;
      case 'x-api-key':
        apiKey = value;
        break;
      case 'content-length':
        if (contentLength !== undefined) throw bad('it has two Content-Length headers');
        if (!/^\d{1,15}$/.test(value)) throw bad(`its Content-Length is ${quoted(value)}`);
        contentLength = Number(value);
        break;
      case 'transfer-encoding':
        transferCoding = transferCoding === undefined ? value : `${transferCoding}, ${value}`;
        break;
      case 'connection':
        connection += `,${value.toLowerCase()}`;
        break;
      case 'expect':
        expectsContinue = !isOld && value.toLowerCase() === '100-continue';
        break;
    }
  }
  if (hosts > 1 || (hosts === 0 && !isOld)) throw bad(`it has ${hosts} Host headers instead of one`);
  if (transferCoding !== undefined) {
    if (contentLength !== undefined) throw bad('it has both Content-Length and Transfer-Encoding');
    if (isOld) throw bad('HTTP/1.0 has no Transfer-Encoding');
    if (transferCoding.toLowerCase() !== 'chunked') {
      throw routerError('UNSUPPORTED_TRANSFER_CODING', { coding: transferCoding.slice(0, 60) });
    }
  }
  return {
    method,
    target: target!,
    rawHeaders,
    contentType,
    authorization,
    apiKey,
    contentLength: transferCoding === undefined ? (contentLength ?? 0) : undefined,
    takesChunks: !isOld,
    keepsAlive: isOld ? /[,\s]keep-alive\b/.test(connection) : !/[,\s]close\b/.test(connection),
    expectsContinue,
  };
}

/** Optional white space around a header's value is spaces and tabs alone; `trim` would take more. */
function trimBlanks(line: string, from: number): string {
  let start = from;
  let end = line.length;
  while (start < end && isBlank(line.charCodeAt(start))) start++;
  while (end > start && isBlank(line.charCodeAt(end - 1))) end--;
  return line.slice(start, end);
}

const isBlank = (code: number) => code === 0x20 || code === 0x09;

function bad(detail: string) {
  return routerError('BAD_HTTP_REQUEST', { detail });
}

/** The beginning of what was sent; names of headers and methods are no secrets, values of headers may be. */
function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}
