/** Clients of the crowd as their own process: many sessions, each with a message that nobody answers yet. */
import http from 'node:http';
import net from 'node:net';
import { answerCalls } from '../support/remote-calls.ts';

export type CrowdCall =
  /** Makes sessions. Answers when all are there. */
  | { readonly kind: 'create'; readonly port: number; readonly count: number }
  /** Sends a message to each. Answers when the head of every stream, or its first comment, has come. */
  | { readonly kind: 'open'; readonly port: number }
  | { readonly kind: 'state' };

export interface CrowdState {
  /** Streams that are open now. */
  readonly open: number;
  /** Bytes of comments that they got. */
  readonly receivedBytes: number;
  readonly firstFailure: string | undefined;
}

/** Sessions that are made, and messages that are on their way, at the same time. */
const parallel = 40;
const ids: string[] = [];
const open = new Set<net.Socket>();
let receivedBytes = 0;
let firstFailure: string | undefined;

answerCalls<CrowdCall>(async (call): Promise<CrowdState> => {
  if (call.kind === 'create') await inParallel(call.count, () => createSession(call.port));
  if (call.kind === 'open') await inParallel(ids.length, (index) => openStream(call.port, ids[index]!));
  return { open: open.size, receivedBytes, firstFailure };
});

const agent = new http.Agent({ keepAlive: true, maxSockets: parallel });

function createSession(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', method: 'POST', path: '/api/sessions', agent };
    const request = http.request(options, (response) => {
      let text = '';
      response.on('data', (bytes: Buffer) => {
        text += bytes.toString();
      });
      response.on('end', () => {
        if (response.statusCode !== 201) {
          reject(new Error(`${response.statusCode} ${text}`));
          return;
        }
        ids.push((JSON.parse(text) as { id: string }).id);
        resolve();
      });
    });
    request.on('error', reject);
    request.end();
  });
}

/** Resolves once the request is sent: what answers it has no head before its first event or comment. */
function openStream(port: number, id: string): Promise<void> {
  const body = '{"content":"hello"}';
  const head = `POST /api/sessions/${id}/messages HTTP/1.1\r\nHost: router\r\ncontent-type: application/json\r\n`;
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1' }, () => {
      open.add(socket);
      socket.write(`${head}content-length: ${body.length}\r\n\r\n${body}`, () => resolve());
    });
    socket.on('data', (bytes) => {
      receivedBytes += bytes.length;
      if (/HTTP\/1\.1 [^2]/.test(bytes.toString('latin1'))) firstFailure ??= bytes.toString();
    });
    socket.on('error', (error) => {
      firstFailure ??= error.message;
    });
    socket.on('close', () => {
      open.delete(socket);
      resolve();
    });
  });
}

async function inParallel(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(parallel, count) }, worker));
}
