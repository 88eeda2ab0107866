import type { DiscoveredInstance } from '../../runtime/router/coordinator/discovery.ts';
import { runDiscoveryLoop } from '../../runtime/router/coordinator/discovery-loop.ts';
import { createLogger } from '../../runtime/shared/log.ts';

const worker = (n: number): DiscoveredInstance => ({
  instanceId: `i-${n}`,
  privateIp: `10.0.0.${n}`,
  lifecycleState: 'InService',
  healthStatus: 'Healthy',
});

type Look = readonly DiscoveredInstance[] | Error;

/** Runs the loop over `looks`, one per turn, and ends it after the last; 15 s last 1.5 ms. */
async function play(looks: readonly Look[]) {
  const lines: { msg: string; level: string; failures?: number; nextLookInSeconds?: number }[] = [];
  const applied: string[][] = [];
  const ending = new AbortController();
  let turn = 0;
  await runDiscoveryLoop({
    discover: async () => {
      const look = looks[turn++];
      if (look === undefined) {
        ending.abort();
        return [];
      }
      if (look instanceof Error) throw look;
      return [...look];
    },
    onInstances: (instances) => applied.push(instances.map((instance) => instance.instanceId)),
    log: createLogger({ service: 'test', level: 'debug', write: (line) => lines.push(JSON.parse(line)) }),
    signal: ending.signal,
    timeScale: 10_000,
  });
  return { applied, lines };
}

test('hands over every look, the empty one too', async () => {
  const { applied, lines } = await play([[worker(1)], [worker(1), worker(2)], []]);
  expect(applied).toEqual([['i-1'], ['i-1', 'i-2'], []]);
  expect(lines).toEqual([]);
});

test('keeps the known fleet while looks fail, and logs the start and the end of the trouble once', async () => {
  const throttling = new Error('Rate exceeded');
  const { applied, lines } = await play([[worker(1)], throttling, throttling, throttling, [worker(1)]]);
  expect(applied).toEqual([['i-1'], ['i-1']]);
  expect(lines.filter((line) => line.level !== 'debug').map((line) => [line.level, line.msg])).toEqual([
    ['warn', 'discovery failed, keeping the known fleet'],
    ['info', 'discovery works again'],
  ]);
});

test('looks less and less often while it fails, down to every two minutes', async () => {
  const { lines } = await play(Array.from({ length: 5 }, () => new Error('Rate exceeded')));
  expect(lines.map((line) => line.nextLookInSeconds)).toEqual([15, 30, 60, 120, 120]);
});

test('ends at once when its owner ends it in the middle of a look', async () => {
  const ending = new AbortController();
  const applied: unknown[] = [];
  const loop = runDiscoveryLoop({
    discover: (signal) =>
      new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
      ),
    onInstances: (instances) => applied.push(instances),
    log: createLogger({ service: 'test', write: () => {} }),
    signal: ending.signal,
  });
  ending.abort();
  await loop;
  expect(applied).toEqual([]);
});
