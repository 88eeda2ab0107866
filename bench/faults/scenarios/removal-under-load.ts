import { setTimeout as delay } from 'node:timers/promises';
import { nowMs } from '../../cost/protocol.ts';
import { ask } from '../ask.ts';
import { openLoop } from '../open-loop.ts';
import { chatBody } from '../prompts.ts';
import { busiest, type FaultScenario } from '../scenario.ts';

/** A worker is taken out by the admin interface while streams of a second run on it; then its machine goes away. */
export const removalUnderLoad: FaultScenario = {
  name: 'removal under load',
  async run(bed, peer, { isQuick }) {
    const engines = await bed.startEngines(3);
    const router = await bed.startRouter(
      peer,
      engines.map(({ url }) => url),
    );
    const clients = openLoop({ perSecond: 30, durationMs: isQuick ? 4_000 : 8_000 }, (index) =>
      ask({ port: router.port, body: chatBody(index % 8, { stream: true }) }),
    );
    await delay(isQuick ? 1_500 : 3_000);
    const victim = await busiest(engines);
    const askedAtMs = nowMs();
    const removal = await fetch(`http://127.0.0.1:${router.port}/remove_worker?url=${encodeURIComponent(victim.url)}`, {
      method: 'POST',
      signal: AbortSignal.timeout(10_000),
    }).then(
      async (response) => ({ status: response.status, text: (await response.text()).slice(0, 120) }),
      (error: Error) => ({ status: 0, text: error.message }),
    );
    const removedAtMs = nowMs();
    const { requestsAtMs, leftAtMs } = await victim.seen();
    // The operator takes the answer to mean that the machine may go.
    await victim.kill();
    const answers = await clients;
    const failed = answers.filter(({ end }) => end !== 'answered');
    const isRemoved = removal.status >= 200 && removal.status < 300;
    return [
      {
        title: 'a worker is removed under 30 streams/s, its machine goes when the removal is answered',
        text: isRemoved
          ? `${failed.length} of ${answers.length} failed`
          : `not removed: ${removal.status} ${removal.text}`,
        values: {
          failed: failed.length,
          requests: answers.length,
          firstFailure: failed[0]?.detail ?? null,
          status: removal.status,
          removalMs: removedAtMs - askedAtMs,
          requestsOnVictim: requestsAtMs.length,
          cutOnVictim: leftAtMs.length,
        },
      },
    ];
  },
};
