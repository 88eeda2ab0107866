import type { Engine, SequenceListener } from './engine.ts';

const noop = () => {};
const listener: SequenceListener = { token: noop, finished: noop, rejected: noop, retracted: noop, flush: noop };

/** Work that nobody waits for: a prompt of one token and no answer. */
export function submitOneTokenPass(engine: Engine, rid: string): void {
  const generate = () => ({ token: 0, stop: true });
  engine.submit([{ request: { rid, prompt: [0], maxNewTokens: 1, generate }, listener }]);
}
