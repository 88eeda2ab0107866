import { newSequence } from './endpoints/new-sequence.ts';
import type { SequenceListener } from './engine/engine.ts';
import { randomId } from './http/random-id.ts';
import { encode } from './language/tokenizer.ts';
import type { ServerState } from './server-state.ts';

const outputTokens = 8;

/** The request with which SGLang tries itself out, and the log lines of the calls around it. */
export function warmUp(server: ServerState): Promise<void> {
  const { engine, log } = server;
  const access = (method: string, url: string) => {
    server.metrics.observeHttpRequest(url, method);
    server.metrics.observeHttpResponse(url, method, 200);
    log.access({ client: '127.0.0.1:0', method, url, httpVersion: '1.1' }, 200);
  };
  access('GET', '/model_info');
  const prompt = encode('The capital city of France is');
  const sequence = newSequence(server, randomId(), prompt, {
    maxNewTokens: outputTokens,
    minNewTokens: 0,
    ignoreEos: true,
    stopTexts: [],
    stopTokens: [],
    keepStopText: false,
  });
  return new Promise((resolve) => {
    const end = () => {
      server.metrics.observeFinished(sequence, false);
      access('POST', '/generate');
      access('POST', '/freeze_gc');
      resolve();
    };
    const listener: SequenceListener = {
      token: (_position, at) => sequence.recordToken(at),
      finished: (reason, cachedTokens, at) => {
        sequence.finish(reason, cachedTokens, at);
        end();
      },
      rejected: end,
      retracted: () => {},
      flush: () => {},
    };
    const generate = () => sequence.generate();
    engine.submit([{ request: { rid: sequence.rid, prompt, maxNewTokens: outputTokens, generate }, listener }]);
  });
}
