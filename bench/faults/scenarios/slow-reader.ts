import http, { type IncomingMessage } from 'node:http';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EngineCall } from '../../cost/engine.ts';
import { peakResidentBytes, sampleTree } from '../../support/process-usage.ts';
import { RemoteProcess } from '../../support/remote-calls.ts';
import { chatBody } from '../prompts.ts';
import type { FaultScenario } from '../scenario.ts';

const streamBytes = 100e6;
const pauseMs = 3_000;
const readWithinMs = 30_000;
const lastEvent = 'data: [DONE]\n\n';

/** A client stops reading a stream of 100 MB for a while, then takes the rest. */
export const slowReader: FaultScenario = {
  name: 'slow reader',
  async run(bed, peer) {
    using engine = new RemoteProcess<EngineCall>(path.join(import.meta.dirname, '../../cost/engine.ts'), ['1']);
    const [port] = await engine.call<number[]>({ kind: 'ports' });
    const router = await bed.startRouter(peer, [`http://127.0.0.1:${port}`]);
    await engine.call({ kind: 'answer', mode: { kind: 'flood', totalBytes: streamBytes } });
    const before = sampleTree(router.identity).residentBytes;
    const [response, peak] = await peakResidentBytes(router.identity, async () => {
      const opened = await openStream(router.port);
      await delay(pauseMs);
      return opened;
    });
    const end = await readToEnd(response);
    const grownMegabytes = Math.max(0, peak - before) / 1e6;
    return [
      {
        title: 'a reader of a 100 MB stream pauses for 3 s',
        text: `+${grownMegabytes.toFixed(0)} MB, ${end === lastEvent ? 'all of it arrived' : 'cut'}`,
        values: { grownMegabytes, end },
      },
    ];
  },
};

/** Resolves with an answer of which only the head was read. */
function openStream(port: number): Promise<IncomingMessage> {
  const body = JSON.stringify(chatBody(0, { stream: true }));
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = { port, host: '127.0.0.1', method: 'POST', path: '/v1/chat/completions' };
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const signal = AbortSignal.timeout(pauseMs + readWithinMs);
  http
    .request({ ...options, headers, signal }, resolve)
    .on('error', reject)
    .end(body);
  return promise;
}

/** @returns the last bytes that arrived */
async function readToEnd(response: IncomingMessage): Promise<string> {
  let tail = '';
  try {
    for await (const part of response) {
      tail = (tail + (part as Buffer).toString('latin1', Math.max(0, part.length - lastEvent.length))).slice(
        -lastEvent.length,
      );
    }
  } catch (error) {
    return (error as Error).message;
  }
  return tail;
}
