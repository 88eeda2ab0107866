import { setTimeout as delay } from 'node:timers/promises';
import { nowMs } from '../../cost/protocol.ts';
import { ask } from '../ask.ts';
import { openLoop } from '../open-loop.ts';
import { chatBody } from '../prompts.ts';
import { removeWorker } from '../remove-worker.ts';
import { busiest, type FaultScenario, type Finding } from '../scenario.ts';

/** A worker is taken out by the admin interface while streams of a second run on it; then its machine goes away. */
export const removalUnderLoad: FaultScenario = {
  name: 'removal under load',
  async run(bed, peer, { isQuick }): Promise<Finding[]> {
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
    const refusal = await removeWorker(`http://127.0.0.1:${router.port}`, victim.url).then(
      () => undefined,
      (error: Error) => error.message,
    );
    const removedAtMs = nowMs();
    const { requestsAtMs, leftAtMs } = await victim.seen();
    // The operator takes a worker that is no longer listed for one whose machine may go.
    await victim.kill();
    const answers = await clients;
    const failed = answers.filter(({ end }) => end !== 'answered');
    return [
      {
        title: 'a worker is removed under 30 streams/s, its machine goes when it is no longer listed',
        text: refusal === undefined ? `${failed.length} of ${answers.length} failed` : `not removed: ${refusal}`,
        values: {
          failed: failed.length,
          requests: answers.length,
          firstFailure: failed[0]?.detail ?? null,
          refusal: refusal ?? null,
          removalMs: removedAtMs - askedAtMs,
          requestsOnVictim: requestsAtMs.length,
          cutOnVictim: leftAtMs.length,
        },
      },
    ];
  },
};
