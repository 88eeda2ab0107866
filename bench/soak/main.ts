/**
 * `node bench/soak/main.ts [minutes]`: a router process in front of four simulated engines that fail at random, under
 * clients that stream, wait, leave and send garbage. At the end nothing may be in flight and memory must be flat.
 * Exits with 1 when it is not so. Loopback only; ends after the given time by itself.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { startEngineServer } from '../../runtime/engine-sim/server.ts';
import { callJson } from '../../runtime/shared/call-json.ts';
import { identifyProcess } from '../../runtime/shared/process/process-table.ts';
import type { FleetView } from '../../runtime/shared/protocol.ts';
import { sampleTree } from '../support/process-usage.ts';
import { type SoakOutcome, sendOne } from './client.ts';
import { randomFault } from './fault.ts';

const minutes = Number(process.argv[2] ?? 10);
const timeScale = 10;
const requestsPerSecond = 20;
const faultEveryMs = 1_500;
const sampleEveryMs = 10_000;

const engines = await Promise.all([1, 2, 3, 4].map(() => startEngineServer({ timeScale })));
const router = spawn(
  process.execPath,
  [
    'runtime/cli/main.ts',
    'router',
    '--port',
    '0',
    '--time-scale',
    String(timeScale),
    ...engines.flatMap(({ url }) => ['--worker-url', url]),
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
const url = await new Promise<string>((resolve) => {
  let log = '';
  router.stdout.on('data', (part: Buffer) => {
    if (log.length < 10_000) log += part.toString();
    const found = /"url":"(http:[^"]+)"/.exec(log)?.[1];
    if (found) resolve(found);
  });
});
const identity = identifyProcess(router.pid!)!;
const outcomes = new Map<SoakOutcome, number>();
const open = new Set<Promise<void>>();
const residentMb: number[] = [];
const endAt = performance.now() + minutes * 60_000;
const every = (ms: number, act: () => void) => setInterval(act, ms);
const timers = [
  every(1_000 / requestsPerSecond, () => {
    const one = sendOne(url).then((outcome) => {
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      open.delete(one);
    });
    open.add(one);
  }),
  every(faultEveryMs, () => {
    const engine = engines[Math.floor(Math.random() * engines.length)]!;
    // An engine that refuses connections cannot be given another fault.
    callJson(`${engine.url}/sim/faults`, { body: randomFault() }).catch(() => {});
  }),
  every(sampleEveryMs, () => {
    residentMb.push(sampleTree(identity).residentBytes / 2 ** 20);
    console.log(
      `${Math.round((endAt - performance.now()) / 1_000)} s left, ${open.size} open, ${residentMb.at(-1)!.toFixed(0)} MiB`,
      Object.fromEntries(outcomes),
    );
  }),
];
while (performance.now() < endAt) await delay(1_000);
timers.forEach(clearInterval);
for (const engine of engines) await callJson(`${engine.url}/sim/faults`, { method: 'DELETE' }).catch(() => {});
await Promise.all(open);

const { workers } = (await callJson(`${url}/api/fleet`)) as FleetView;
const inFlight = workers.reduce((sum, worker) => sum + worker.inFlightRequests + worker.inFlightTokens, 0);
const third = Math.floor(residentMb.length / 3);
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const growthMb = mean(residentMb.slice(-third)) - mean(residentMb.slice(third, 2 * third));
console.log('outcomes       ', Object.fromEntries(outcomes));
console.log('in flight      ', inFlight);
console.log(
  'memory growth  ',
  `${growthMb.toFixed(1)} MiB from the middle to the last third, ${residentMb.at(-1)!.toFixed(0)} MiB at the end`,
);
const metrics = await (await fetch(`${url}/metrics`)).text();
console.log(
  metrics
    .split('\n')
    .filter((line) => /^fleet_router_(retries|continuations|aborts)_total/.test(line))
    .join('\n'),
);
router.kill('SIGTERM');
await once(router, 'exit');
for (const engine of engines) await engine.close();
process.exit(inFlight === 0 && growthMb < 32 ? 0 : 1);
