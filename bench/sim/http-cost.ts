/**
 * `node bench/sim/http-cost.ts [TRACE]`: the share of one core that 8 simulated engines in one process take over HTTP,
 * at 20 times real time under 4 requests per second of engine time (80 per second of wall time). The load comes from a
 * second process and is not counted.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { startEngineServer } from '../../runtime/engine-sim/server.ts';
import type { LoadOutcome } from './http-load.ts';

const engineCount = 8;
const timeScale = 20;
const requestsPerEngineSecond = 4;
const warmUpSeconds = 5;
const measuredSeconds = 20;
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const tracePath = process.argv[2] ?? here('../../traces/mooncake-conversation-2000.jsonl.gz');

const engines = await Promise.all(Array.from({ length: engineCount }, () => startEngineServer({ timeScale })));
await Promise.all(engines.map((engine) => engine.ready));
const wallRate = requestsPerEngineSecond * timeScale;
const loadSeconds = warmUpSeconds + measuredSeconds + 2;
const load = spawn(
  process.execPath,
  [here('./http-load.ts'), tracePath, `${wallRate}`, `${loadSeconds}`, ...engines.map((engine) => engine.url)],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
const output = text(load.stdout);

await seconds(warmUpSeconds);
const before = totals();
const cpuBefore = process.cpuUsage();
const startedAt = performance.now();
await seconds(measuredSeconds);
const wallMs = performance.now() - startedAt;
const { user, system } = process.cpuUsage(cpuBefore);
const after = totals();
await once(load, 'close');
const sent = JSON.parse(await output) as LoadOutcome;
await Promise.all(engines.map((engine) => engine.close()));

const perSecond = (name: keyof typeof before) => Math.round((1_000 * (after[name] - before[name])) / wallMs);
console.log(
  `engines          ${engineCount} in one process at ${timeScale} x real time, ${wallRate} requests per wall second`,
);
console.log(
  `requests         ${sent.sent} sent, ${sent.completed} completed, ${sent.failed} failed, ${sent.open} open`,
);
console.log(`per wall second  ${perSecond('finishedRequests')} requests, ${perSecond('promptTokens')} prompt tokens`);
console.log(`                 ${perSecond('generatedTokens')} generated tokens`);
console.log(`memory           ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB resident`);
const share = (micros: number) => (micros / 10 / wallMs).toFixed(1);
console.log(`CPU              ${share(user + system)} % of one core (${share(system)} % in the kernel)`);

function totals() {
  const sum = { finishedRequests: 0, promptTokens: 0, generatedTokens: 0 };
  for (const { core } of engines) {
    const { finishedRequests, promptTokens, generatedTokens } = core.snapshot().totals;
    sum.finishedRequests += finishedRequests;
    sum.promptTokens += promptTokens;
    sum.generatedTokens += generatedTokens;
  }
  return sum;
}

function seconds(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1_000 * count));
}
