import { ClientConnection } from '../client-connection.ts';
import { modelName } from '../engine-answers.ts';
import type { LoadJob, LoadResult } from '../protocol.ts';
import type { JobOf } from './tally.ts';

const answerWithinMs = 20_000;

/** Really sends every byte, at the pace at which the router takes them, until an answer comes. */
export async function runLargeBody({ port, bytes }: JobOf<LoadJob, 'large-body'>): Promise<LoadResult> {
  const before = Buffer.from(`{"model":"${modelName}","messages":[{"role":"user","content":"`);
  const after = Buffer.from('"}],"stream":false}');
  const block = Buffer.alloc(1024 * 1024, 'lorem ipsum ');
  const connection = new ClientConnection(port);
  const { socket } = connection;
  const answered = new Promise<LoadResult>((resolve) => {
    const timer = setTimeout(() => resolve({ failures: 1, failure: 'no answer in time' }), answerWithinMs);
    const settle = (result: LoadResult) => {
      clearTimeout(timer);
      resolve(result);
    };
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: ${bytes}\r\n\r\n`;
    connection.send([Buffer.from(head), before], {
      onEnd: (status) => settle({ failures: 0, status }),
      onFailure: (failure) => settle({ failures: 1, failure }),
    });
  });
  let left = bytes - before.length - after.length;
  const pump = () => {
    while (left > 0 && !socket.destroyed) {
      const size = Math.min(left, block.length);
      left -= size;
      if (!socket.write(block.subarray(0, size))) return;
    }
    socket.off('drain', pump);
    if (!socket.destroyed) socket.write(after);
  };
  socket.on('drain', pump);
  pump();
  return answered.finally(() => connection.destroy());
}
