/** `node bench/faults/main.ts [--quick] [--json FILE] [--only NAME]`: what clients see of faults, ours and sglang-router by turns. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { tableLines } from '../../runtime/cli/table.ts';
import { fleetRouter } from '../peers/fleet-router.ts';
import type { Peer } from '../peers/peer.ts';
import { sglangRouter } from '../peers/sglang-router.ts';
import { FaultBed } from './fault-bed.ts';
import type { FaultScenario, Finding } from './scenario.ts';
import { disconnectDuringPrefill } from './scenarios/disconnect-during-prefill.ts';
import { hangingWorker } from './scenarios/hanging-worker.ts';
import { killedWorker } from './scenarios/killed-worker.ts';
import { midStreamDeath } from './scenarios/mid-stream-death.ts';
import { removalUnderLoad } from './scenarios/removal-under-load.ts';
import { slowReader } from './scenarios/slow-reader.ts';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    only: { type: 'string' },
  },
});
const scenarios = [
  killedWorker,
  hangingWorker,
  midStreamDeath,
  disconnectDuringPrefill,
  removalUnderLoad,
  slowReader,
].filter(({ name }) => options.only === undefined || name.startsWith(options.only));
/** No scenario takes half of it. */
const scenarioLimitMs = 120_000;

const peers = [fleetRouter, sglangRouter];
const installed = peers.filter((peer) => peer.version() !== undefined);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const findings = new Map<Peer, Finding[]>(installed.map((peer) => [peer, []]));
for (const scenario of scenarios) {
  for (const peer of installed) {
    findings.get(peer)!.push(...(await runOnce(scenario, peer)));
    process.stderr.write(`${scenario.name}, ${peer.name}\n`);
  }
}
report();

async function runOnce(scenario: FaultScenario, peer: Peer): Promise<Finding[]> {
  await using bed = new FaultBed();
  const { promise: tooLong, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('took too long')), scenarioLimitMs);
  try {
    return await Promise.race([scenario.run(bed, peer, { isQuick: options.quick }), tooLong]);
  } catch (error) {
    return [{ title: scenario.name, text: `did not run: ${(error as Error).message}`, values: {} }];
  } finally {
    clearTimeout(timer);
  }
}

function report(): void {
  const titles = [...new Set([...findings.values()].flat().map(({ title }) => title))];
  const columns = ['what happens', ...installed.map((peer) => `${peer.name} ${peer.version()}`)];
  const rows = titles.map((title) => [
    title,
    ...installed.map((peer) => findings.get(peer)!.find((finding) => finding.title === title)?.text ?? '-'),
  ]);
  const titled = columns.map((title) => ({ title }));
  for (const line of tableLines(titled, rows)) console.log(line);
  for (const peer of peers) {
    if (!installed.includes(peer)) console.log(`${peer.name} is not installed and left out (bench/peers/install.sh)`);
  }
  if (options.json === undefined) return;
  const content = {
    date: new Date().toISOString(),
    isQuick: options.quick,
    versions: Object.fromEntries(installed.map((peer) => [peer.name, peer.version()])),
    findings: Object.fromEntries(installed.map((peer) => [peer.name, findings.get(peer)])),
  };
  mkdirSync(path.dirname(path.resolve(options.json)), { recursive: true });
  writeFileSync(options.json, `${JSON.stringify(content, undefined, 2)}\n`);
}
