import { setTimeout as delay } from 'node:timers/promises';
import { nowMs } from '../../cost/protocol.ts';
import { median } from '../../support/statistics.ts';
import { ask } from '../ask.ts';
import type { FaultEngine } from '../fault-bed.ts';
import { chatBody } from '../prompts.ts';
import type { FaultScenario, Finding } from '../scenario.ts';

const leavesAfterMs = 400;
const watchedMs = 3_000;

/** A client leaves before the first byte: is the engine told, and how soon? */
export const disconnectDuringPrefill: FaultScenario = {
  name: 'disconnect during prefill',
  async run(bed, peer, { isQuick }) {
    const [engine] = await bed.startEngines(1);
    const router = await bed.startRouter(peer, [engine!.url]);
    await engine!.behave({ firstByteMs: leavesAfterMs + 2 * watchedMs });
    const findings: Finding[] = [];
    for (const stream of [true, false]) {
      const tries = await Promise.all(
        Array.from({ length: isQuick ? 2 : 5 }, (_, index) => index).map((index) => leave(index, stream)),
      );
      findings.push(describe(stream, await told(engine!, tries)));
    }
    return findings;

    async function leave(index: number, stream: boolean): Promise<number> {
      // Apart in time, so that each leaving can be told from the others.
      await delay(index * (watchedMs / 5));
      await ask({ port: router.port, body: chatBody(index, { stream }), patienceMs: leavesAfterMs });
      return nowMs();
    }
  },
};

interface Told {
  readonly byAbortMs: readonly number[];
  readonly byCloseMs: readonly number[];
  readonly clients: number;
}

/** Times from each client's leaving to the engine's learning of it. */
async function told(engine: FaultEngine, leftAtMs: readonly number[]): Promise<Told> {
  await delay(watchedMs);
  const { abortsAtMs, leftAtMs: closesAtMs } = await engine.seen();
  // A few ms are allowed for the client to notice its own leaving.
  const after = (times: readonly number[]) =>
    leftAtMs
      .map((leftMs) => times.find((time) => time > leftMs - 50 && time < leftMs + watchedMs / 5 - 60))
      .flatMap((time, index) => (time === undefined ? [] : [Math.max(0, time - leftAtMs[index]!)]));
  return { byAbortMs: after(abortsAtMs), byCloseMs: after(closesAtMs), clients: leftAtMs.length };
}

function describe(stream: boolean, { byAbortMs, byCloseMs, clients }: Told): Finding {
  const part = (times: readonly number[], how: string) =>
    times.length === 0 ? '' : `${times.length} of ${clients} by ${how}, median ${median(times).toFixed(0)} ms`;
  const parts = [part(byAbortMs, 'abort'), part(byCloseMs, 'close')].filter((text) => text !== '');
  return {
    title: `a client leaves during prefill (${stream ? 'streaming' : 'not streaming'}): the engine is told`,
    text: parts.join('; ') || `0 of ${clients}`,
    values: { clients, byAbort: byAbortMs.length, byClose: byCloseMs.length },
  };
}
