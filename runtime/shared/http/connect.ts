import net, { isIP } from 'node:net';
import tls from 'node:tls';

/** Opens a socket that hands every piece it receives to `onData`; the piece is the receiver's to keep. */
export type Connect = (onData: (bytes: Buffer) => void) => net.Socket;

const socketOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 };

/** All plain sockets read into one buffer: what they receive is copied out at once, and most of it is small. */
const sharedReadBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * How to reach the origin of `url`, plain or over TLS by its scheme.
 * @param tlsOptions for https; without them the authorities that Node trusts are taken
 * @throws TypeError when it is no URL
 */
export function connectTo(url: string, tlsOptions: tls.ConnectionOptions = {}): Connect {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  return protocol === 'https:'
    ? tlsConnect(host, Number(port || 443), tlsOptions)
    : plainConnect(host, Number(port || 80));
}

/** Node's `onread` spares each read a buffer of 64 KiB and the stream machinery; together a tenth of a relayed event. */
function plainConnect(host: string, port: number): Connect {
  return (onData) =>
    net.connect({
      host,
      port,
      ...socketOptions,
      onread: {
        buffer: sharedReadBuffer,
        callback: (size) => {
          onData(Buffer.from(sharedReadBuffer.subarray(0, size)));
          return true;
        },
      },
    });
}

/** An address has no server name (RFC 6066 section 3). */
function tlsConnect(host: string, port: number, tlsOptions: tls.ConnectionOptions): Connect {
  const serverName = isIP(host) === 0 ? { servername: host } : {};
  const options = { ...tlsOptions, host, port, ALPNProtocols: ['http/1.1'], ...serverName, ...socketOptions };
  return (onData) => tls.connect(options).on('data', onData);
}
