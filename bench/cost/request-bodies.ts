import { modelName } from './engine-answers.ts';
import type { RequestShape } from './protocol.ts';

const poolBytes = 4 * 1024 * 1024;
let pool: Buffer | undefined;
let requestCount = 0;

/** Makes the bytes of one chat request after another. Their prompts share `sharedBytes` and differ in all that follows. */
export function requestMaker({ uniqueBytes, sharedBytes, stream }: RequestShape): () => Buffer[] {
  pool ??= randomWords(poolBytes);
  const shared = sharedBytes === 0 ? '' : pool.toString('latin1', 0, sharedBytes);
  const before = Buffer.from(
    `{"model":"${modelName}","messages":[{"role":"system","content":"${shared}"},{"role":"user","content":"`,
  );
  const after = Buffer.from(`"}],"temperature":0,"max_tokens":64,"stream":${stream}}`);
  return () => {
    const id = (++requestCount).toString(36).padStart(8, '0');
    // Counted up first, so that no two prompts share more than the shared part.
    const words = takeFromPool(uniqueBytes);
    const length = before.length + id.length + 1 + words.reduce((sum, part) => sum + part.length, 0) + after.length;
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;
    return [Buffer.from(head), before, Buffer.from(`${id} `), ...words, after];
  };
}

function takeFromPool(bytes: number): Buffer[] {
  if (bytes === 0) return [];
  const at = Math.floor(Math.random() * (poolBytes - bytes));
  return [pool!.subarray(at, at + bytes)];
}

/** Lower-case words of random letters: nothing to escape, nothing to compress. */
function randomWords(bytes: number): Buffer {
  const words = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at++) words[at] = Math.random() < 0.18 ? 32 : 97 + Math.floor(Math.random() * 26);
  return words;
}
