/** Something that tells once that it is over: the answer to a client, which may end because the client left. */
export interface Closable {
  once(event: 'close', listener: () => void): unknown;
  off(event: 'close', listener: () => void): unknown;
}
