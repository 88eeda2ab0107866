import type { RequestHead } from '../front/request-head.ts';
import { keyHeaders } from '../keys/presented-key.ts';
import type { EngineClient } from '../upstream/engine-client.ts';

/** Headers of one connection, not of the message (RFC 9110 section 7.6.1), and those that the relay sets itself. */
const notForwarded = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const notForwardedUpstream = new Set([...notForwarded, 'host', 'content-length', 'expect']);
/**
 * SGLang takes a request's id, priority and rank from such headers where that is turned on, as on engines that a runner
 * launches. From a client they would go past the id by which its request is aborted, and past its place in the queue.
 */
const routerOnlyPrefix = 'x-override-';

/** Header names that a message's own Connection header makes hop-by-hop. */
function namedByConnection(rawHeaders: readonly string[]): ReadonlySet<string> | undefined {
  let named: Set<string> | undefined;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.length !== 10 || rawHeaders[i]!.toLowerCase() !== 'connection') continue;
    const value = rawHeaders[i + 1]!.toLowerCase();
    if (value === 'keep-alive' || value === 'close') continue;
    named ??= new Set();
    for (const name of value.split(',')) named.add(name.trim());
  }
  return named;
}

/** The request head for the engine: the client's headers as they came, save those of the connection and its keys. */
export function upstreamHead(request: RequestHead, engine: EngineClient, bodyBytes: number): string {
  const { method, target, rawHeaders } = request;
  const { dropsClientKeys, addedHeaderLines } = engine;
  const named = namedByConnection(rawHeaders);
  let head = `${method} ${target} HTTP/1.1\r\nhost: ${engine.host}\r\n${addedHeaderLines}`;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    if (notForwardedUpstream.has(name) || named?.has(name) || (dropsClientKeys && keyHeaders.has(name))) continue;
    if (name.startsWith(routerOnlyPrefix)) continue;
    head += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  }
  return `${head}content-length: ${bodyBytes}\r\n\r\n`;
}

/** The engine's headers for the client, as they came, save those of the connection; `added` goes behind them. */
export function clientHeaders(rawHeaders: readonly string[], added: readonly string[]): string[] {
  const named = namedByConnection(rawHeaders);
  const headers: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    if (!notForwarded.has(name) && !named?.has(name)) headers.push(rawHeaders[i]!, rawHeaders[i + 1]!);
  }
  headers.push(...added);
  return headers;
}
