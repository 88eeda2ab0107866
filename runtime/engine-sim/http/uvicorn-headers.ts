/**
 * Response headers as uvicorn 0.4x on h11 sends them: lower case except the two that h11 adds, in this order, and no
 * `Connection` at all while the connection stays open.
 */

export type HeaderPairs = readonly (readonly [name: string, value: string])[];

export interface ResponseHead {
  /** Between `server` and `vary`, in order. */
  readonly headers: HeaderPairs;
  /** Length is not known: HTTP/1.1 chunks. */
  readonly isChunked: boolean;
  readonly closesConnection: boolean;
  /** Errors that escape the application pass by the CORS middleware and lack its `vary`. @default true */
  readonly hasVary?: boolean;
  /** The request's `Origin`. */
  readonly origin: string | undefined;
}

/** Flat name, value, name, value list for `ServerResponse.writeHead`. */
export function uvicornHeaders(head: ResponseHead): string[] {
  const flat = ['date', httpDate(), 'server', 'uvicorn'];
  for (const [name, value] of head.headers) flat.push(name, value);
  if (head.hasVary ?? true) {
    if (head.origin !== undefined) {
      flat.push('access-control-allow-credentials', 'true', 'access-control-allow-origin', head.origin);
    }
    flat.push('vary', 'Origin');
  }
  if (head.isChunked) flat.push('Transfer-Encoding', 'chunked');
  if (head.closesConnection) flat.push('Connection', 'close');
  return flat;
}

let cachedSecond = -1;
let cachedDate = '';

function httpDate(): string {
  const second = Math.floor(Date.now() / 1_000);
  if (second !== cachedSecond) {
    cachedSecond = second;
    cachedDate = new Date().toUTCString();
  }
  return cachedDate;
}
