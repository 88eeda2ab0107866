import net from 'node:net';

/** What all plain client sockets read into: each piece is used or copied before the next one can come. */
const sharedReadBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * Makes `accepted` (from a server with `pauseOnConnect`) read into one shared buffer, as `onread` of `net.connect` does
 * for outgoing connections. Node offers that for accepted ones only through the socket's handle; without a handle that
 * can be moved the socket is read in the ordinary way, which costs a buffer of 64 KiB for every read.
 * @param onData gets each piece; it is only valid during the call
 * @returns the socket to use instead of `accepted`
 */
export function adoptSocket(accepted: net.Socket, onData: (bytes: Buffer) => void): net.Socket {
  const holder = accepted as unknown as { _handle: object | null };
  const handle = holder._handle;
  if (handle === null || typeof (handle as { useUserBuffer?: unknown }).useUserBuffer !== 'function') {
    return accepted.on('data', onData).resume();
  }
  holder._handle = null;
  accepted.destroy(); // Takes it off the server's count; the handle is not its own any more.
  const options = {
    handle,
    readable: true,
    writable: true,
    onread: {
      buffer: sharedReadBuffer,
      callback: (size: number) => {
        onData(sharedReadBuffer.subarray(0, size));
        return true;
      },
    },
  };
  return new net.Socket(options as net.SocketConstructorOpts);
}
