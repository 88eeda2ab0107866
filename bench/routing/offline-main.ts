/**
 * `node bench/routing/offline-main.ts [--seed N] [--policy NAME] [--json]`: first-token times of every policy, and of the
 * prototype, on every workload in virtual time: the router's own policy and book-keeping code against the simulator's
 * engine core, no HTTP.
 */
import { parseArgs } from 'node:util';
import { policyNames } from '../../runtime/router/policy/policies.ts';
import { figureLines } from './figures.ts';
import { floorFigures, type OfflineContender, offlineFigures } from './offline-figures.ts';
import { loadWorkloads } from './workloads.ts';

const { values: options } = parseArgs({
  options: {
    seed: { type: 'string', default: '0' },
    policy: { type: 'string', multiple: true },
    json: { type: 'boolean', default: false },
  },
});
const contenders = (options.policy as OfflineContender[] | undefined) ?? [...policyNames, 'prototype'];
const results = (await loadWorkloads(Number(options.seed))).map((workload) => ({
  workload: workload.name,
  summary: workload.summary,
  figures: [floorFigures(workload), ...contenders.map((name) => offlineFigures(workload, name))],
}));
if (options.json) console.log(JSON.stringify(results, undefined, 2));
else {
  for (const { workload, summary, figures } of results) {
    console.log(`${workload}: ${summary}; first-token time in s`);
    for (const line of figureLines(figures)) console.log(`  ${line}`);
    console.log();
  }
}
