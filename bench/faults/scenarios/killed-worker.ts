import { setTimeout as delay } from 'node:timers/promises';
import { nowMs } from '../../cost/protocol.ts';
import { ask } from '../ask.ts';
import { openLoop } from '../open-loop.ts';
import { chatBody } from '../prompts.ts';
import { busiest, type FaultScenario, type Finding } from '../scenario.ts';

/** Requests on one prefix lose the worker that holds it; later it comes back. */
export const killedWorker: FaultScenario = {
  name: 'killed worker',
  async run(bed, peer, { isQuick }): Promise<Finding[]> {
    const engines = await bed.startEngines(4);
    const router = await bed.startRouter(
      peer,
      engines.map(({ url }) => url),
    );
    const killAfterMs = isQuick ? 1_500 : 3_000;
    const awayMs = isQuick ? 1_500 : 4_000;
    const durationMs = isQuick ? 7_000 : 16_000;
    // One request in five has a prompt that nobody shares: an idle worker is not found by prefix alone.
    const clients = openLoop({ perSecond: 50, durationMs }, (index) =>
      ask({ port: router.port, body: chatBody(index % 5 === 0 ? index : -1) }),
    );
    await delay(killAfterMs);
    const victim = await busiest(engines);
    await victim.kill();
    await delay(awayMs);
    await victim.restart();
    const answeringFromMs = nowMs();
    const answers = await clients;
    const [firstAtMs] = (await victim.seen()).requestsAtMs;
    const failed = answers.filter(({ end }) => end !== 'answered');
    const backSeconds = firstAtMs === undefined ? null : (firstAtMs - answeringFromMs) / 1_000;
    const watchedSeconds = (durationMs - killAfterMs - awayMs) / 1_000;
    return [
      {
        title: 'a worker is killed under 50 req/s on its prefix',
        text: `${failed.length} of ${answers.length} failed`,
        values: { failed: failed.length, requests: answers.length, firstFailure: failed[0]?.detail ?? null },
      },
      {
        title: '... back in rotation after it answers again',
        text: backSeconds === null ? `later than ${watchedSeconds.toFixed(0)} s` : `${backSeconds.toFixed(2)} s`,
        values: { backSeconds, watchedSeconds },
      },
    ];
  },
};
