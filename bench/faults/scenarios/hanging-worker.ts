import { ask } from '../ask.ts';
import { openLoop } from '../open-loop.ts';
import { chatBody } from '../prompts.ts';
import { busiest, type FaultScenario, type Finding } from '../scenario.ts';

const sessions = 8;
const patienceMs = 8_000;

/** A worker takes requests and never answers one, while its health is fine. */
export const hangingWorker: FaultScenario = {
  name: 'hanging worker',
  async run(bed, peer, { isQuick }): Promise<Finding[]> {
    const engines = await bed.startEngines(4);
    const router = await bed.startRouter(
      peer,
      engines.map(({ url }) => url),
    );
    const one = (index: number) =>
      ask({ port: router.port, body: chatBody(index % sessions, { stream: index % 2 === 0 }), patienceMs });
    await Promise.all(engines.map((engine) => engine.behave({ events: 5, eventIntervalMs: 10 })));
    await openLoop({ perSecond: 20, durationMs: isQuick ? 2_000 : 5_000 }, one);
    const victim = await busiest(engines);
    await victim.behave({ hangs: true });
    const answers = await openLoop({ perSecond: 20, durationMs: isQuick ? 5_000 : 20_000 }, one);
    const failed = answers.filter(({ end }) => end !== 'answered');
    const slowest = Math.max(...answers.filter(({ end }) => end === 'answered').map(({ tookMs }) => tookMs));
    return [
      {
        title: 'a worker hangs on POST while its health is fine, clients give up at 8 s',
        text: `${failed.length} of ${answers.length} failed`,
        values: { failed: failed.length, requests: answers.length, firstFailure: failed[0]?.detail ?? null },
      },
      {
        title: '... slowest request that was answered',
        text: `${(slowest / 1_000).toFixed(2)} s`,
        values: { slowestSeconds: slowest / 1_000 },
      },
    ];
  },
};
