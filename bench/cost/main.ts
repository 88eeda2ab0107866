/**
 * `node bench/cost/main.ts [--quick] [--json FILE] [--rounds N] [--litellm] [--only NAME]`: what a router costs, ours and
 * others in one run. Everything on loopback, the router on a core of its own, all targets by turns in every round.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { fleetRouter } from '../peers/fleet-router.ts';
import { haproxy } from '../peers/haproxy.ts';
import { litellm } from '../peers/litellm.ts';
import { nginx } from '../peers/nginx.ts';
import { sglangRouter } from '../peers/sglang-router.ts';
import { pinThisProcess, planCores } from '../support/cores.ts';
import { Results } from './results.ts';
import { repeatedScenarios, type Scenario, singleScenarios } from './scenarios.ts';
import { type Target, TestBed } from './test-bed.ts';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    json: { type: 'string' },
    only: { type: 'string' },
    litellm: { type: 'boolean', default: false },
  },
});
const rounds = Number(options.rounds ?? (options.quick ? 1 : 3));
const startsPerRouter = options.quick ? 1 : 3;
const durations = { scale: options.quick ? 0.15 : 1 };
const deadlineMs = performance.now() + (options.quick ? 85_000 : 570_000);

const chosen = [fleetRouter, sglangRouter, nginx, haproxy, ...(options.litellm ? [litellm] : [])];
const versions = new Map(chosen.map((peer) => [peer, peer.version()]));
const installed = chosen.filter((peer) => versions.get(peer) !== undefined);
const missing = chosen.filter((peer) => versions.get(peer) === undefined);

const cores = planCores();
if (cores) pinThisProcess(cores.others);
await using bed = new TestBed(cores);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    bed.kill();
    process.exit(130);
  });
}

const results = new Results();
const targets: Target[] = [];
for (const peer of installed) targets.push(await startSeveralTimes(peer));

const direct = await bed.direct();
for (const target of targets) await bed.warmUp(target, options.quick ? 500 : 3_000);
const isWanted = ({ name }: Scenario) => options.only === undefined || name.startsWith(options.only);
for (let round = 0; round < rounds; round++) {
  for (const scenario of repeatedScenarios(durations).filter(isWanted)) await measure(scenario, round);
}
for (const scenario of singleScenarios(durations).filter(isWanted)) await measure(scenario, 0);
report();

/** The last start stays. Each one before is ended, so that the next finds what a fresh start finds. */
async function startSeveralTimes(peer: (typeof installed)[number]): Promise<Target> {
  for (let start = 1; ; start++) {
    const { target, startSeconds } = await bed.start(peer);
    results.add(peer.name, 'start', { values: { startSeconds }, failures: 0 });
    if (start === startsPerRouter) return target;
    await bed.stop(target);
  }
}

async function measure(scenario: Scenario, round: number): Promise<void> {
  // Rotated, so that no target always comes after the same one.
  const turn = round % targets.length;
  const inTurn = [...targets.slice(turn), ...targets.slice(0, turn)];
  for (const target of scenario.includesDirect ? [direct, ...inTurn] : inTurn) {
    if (performance.now() > deadlineMs) {
      process.stderr.write(`out of time: ${scenario.name} of ${target.name} is left out\n`);
      continue;
    }
    results.add(target.name, scenario.name, await scenario.run(bed, target));
  }
  process.stderr.write(`${scenario.name}, round ${round + 1} of ${rounds}\n`);
}

function report(): void {
  const names = installed.map(({ name }) => name);
  const machine = `${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}`;
  const pinning = cores ? `router on core ${cores.router}, the rest on ${cores.others}` : 'not pinned';
  console.log(`${machine}; ${pinning}; medians of ${rounds} rounds`);
  console.log(installed.map((peer) => `${peer.name} ${versions.get(peer)}`).join(', '));
  for (const peer of missing) console.log(`${peer.name} is not installed and left out (bench/peers/install.sh)`);
  console.log();
  for (const line of results.lines(names)) console.log(line);
  if (options.json === undefined) return;
  const about = { date: new Date().toISOString(), machine, pinning, rounds };
  const peers = Object.fromEntries(installed.map((peer) => [peer.name, versions.get(peer)]));
  const content = { ...about, versions: peers, ...(results.toJson(names) as object) };
  mkdirSync(path.dirname(path.resolve(options.json)), { recursive: true });
  writeFileSync(options.json, `${JSON.stringify(content, undefined, 2)}\n`);
}
