import type { SequenceListener } from './engine/engine.ts';
import { randomId } from './http/random-id.ts';
import { encode } from './language/tokenizer.ts';
import type { ServerState } from './server-state.ts';

const outputTokens = 8;

/** The request with which SGLang tries itself out, and the log lines of the calls around it. */
export function warmUp({ engine, log }: ServerState): Promise<void> {
  const access = (method: string, url: string) =>
    log.access({ client: '127.0.0.1:0', method, url, httpVersion: '1.1' }, 200);
  access('GET', '/model_info');
  return new Promise((resolve) => {
    const end = () => {
      access('POST', '/generate');
      access('POST', '/freeze_gc');
      resolve();
    };
    const noop = () => {};
    const listener: SequenceListener = { token: noop, finished: end, rejected: end, retracted: noop, flush: noop };
    const generate = () => ({ token: 0, stop: false });
    const prompt = encode('The capital city of France is');
    engine.submit([{ request: { rid: randomId(), prompt, maxNewTokens: outputTokens, generate }, listener }]);
  });
}
