/**
 * `node bench/routing/main.ts [--quick] [--json FILE] [--time-scale N] [--workload NAME] [--policy NAME]`: replays the
 * workloads over real HTTP through our router with each policy, the prototype, and sglang-router where it is installed,
 * before the same 8 simulated engines with caches emptied in between. Beside each policy the same figure offline: when the two
 * differ much, the machine did not keep up with the time scale.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { policyNames } from '../../runtime/router/policy/policies.ts';
import { fleetWith, prototype, sglangRouters } from './contenders.ts';
import { EngineFleet } from './engine-fleet.ts';
import { type Figures, figureLines } from './figures.ts';
import { httpFigures } from './http-figures.ts';
import { engineCount, floorFigures, type OfflineContender, offlineFigures } from './offline-figures.ts';
import { loadWorkloads } from './workloads.ts';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    'time-scale': { type: 'string', default: '8' },
    workload: { type: 'string', multiple: true },
    policy: { type: 'string', multiple: true },
  },
});
const timeScale = Number(options['time-scale']);
const contenders = (options.policy as OfflineContender[] | undefined) ?? [...policyNames, 'prototype'];
const peers = sglangRouters(timeScale).filter((peer) => peer.version() !== undefined);
const workloads = (await loadWorkloads(0, options.quick ? 300 : undefined)).filter(
  ({ name }) => options.workload?.includes(name) ?? true,
);
const folder = mkdtempSync(path.join(tmpdir(), 'bench-routing-'));
const machine = `${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}`;
const version = peers[0]?.version();
console.log(`${machine}; engines at ${timeScale} x real time; all times in s of engine time`);
console.log(version ? `sglang-router ${version}` : 'sglang-router is not installed (bench/peers/install.sh): left out');

using fleet = new EngineFleet(2);
const results = [];
for (const workload of workloads) {
  const { name, summary, settings } = workload;
  console.log(`\n${name}: ${summary}, ${workload.requests.length} requests`);
  const engineUrls = await fleet.start(engineCount, settings, timeScale);
  const run = { fleet, engineUrls, workload, timeScale, folder };
  const figures: Figures[] = [floorFigures(workload)];
  for (const contender of contenders) {
    const peer = contender === 'prototype' ? prototype(timeScale) : fleetWith(contender, timeScale);
    const http = await httpFigures(peer, run);
    figures.push(http, { ...offlineFigures(workload, contender), router: '  offline' });
    process.stderr.write(`${name}, ${http.router}: client lag p99 ${http.clientLagP99Ms.toFixed(0)} ms of real time\n`);
  }
  for (const peer of peers) figures.push(await httpFigures(peer, run));
  for (const line of figureLines(figures)) console.log(`  ${line}`);
  results.push({ workload: name, summary, figures });
}
rmSync(folder, { recursive: true, force: true });
if (options.json !== undefined) {
  const content = { date: new Date().toISOString(), machine, timeScale, sglangRouter: version ?? null, results };
  mkdirSync(path.dirname(path.resolve(options.json)), { recursive: true });
  writeFileSync(options.json, `${JSON.stringify(content, undefined, 2)}\n`);
}
