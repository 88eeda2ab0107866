export interface RawAnswer {
  readonly status: number;
  /** Names in lower case; values of a name that came twice are joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Reads one answer off the front of `bytes` (RFC 9112); undefined when it is not complete, with its length otherwise. Written without the router. */
export function readAnswer(
  bytes: Buffer,
  isOver: boolean,
  isHead: boolean,
): { answer: RawAnswer; bytes: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [statusLine, ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3})( |$)/.exec(statusLine!)?.[1]);
  if (Number.isNaN(status)) throw new Error(`${JSON.stringify(statusLine)} is no status line.`);
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const [, name, value] = /^([^\s:]+): ?(.*)$/.exec(line) ?? [];
    if (name === undefined) throw new Error(`${JSON.stringify(line)} is no header.`);
    const key = name.toLowerCase();
    headers[key] = key in headers ? `${headers[key]}, ${value}` : value!;
  }
  const after = bytes.subarray(headEnd + 4);
  const whole = (body: Buffer, end: number) => ({
    answer: { status, headers, body: Buffer.from(body) },
    bytes: headEnd + 4 + end,
  });
  if (isHead || status < 200 || status === 204 || status === 304) return whole(Buffer.alloc(0), 0);
  if (headers['transfer-encoding'] === 'chunked') {
    const read = readChunks(after);
    return read && whole(read.body, read.end);
  }
  const length = headers['content-length'];
  if (length === undefined) return isOver ? whole(after, after.length) : undefined;
  return after.length < Number(length) ? undefined : whole(after.subarray(0, Number(length)), Number(length));
}

function readChunks(bytes: Buffer): { body: Buffer; end: number } | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    const end = lineEnd + 2 + size;
    if (bytes.length < end + 2) return undefined;
    if (bytes.toString('latin1', end, end + 2) !== '\r\n') throw new Error('A chunk is not as long as its size says.');
    if (size === 0) return { body: Buffer.concat(parts), end: end + 2 };
    parts.push(bytes.subarray(lineEnd + 2, end));
    at = end + 2;
  }
}
