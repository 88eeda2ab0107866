/** `node bench/sim/main.ts [TRACE]`: how long one core takes to simulate an hour of a request trace on 8 engines. */
import { loadTrace } from '../../runtime/cli/replay/trace.ts';
import { defaultPreset } from '../../runtime/engine-sim/presets.ts';
import { extendTrace } from './conversation-trace.ts';
import { simulateFleet } from './offline-fleet.ts';

const hourMs = 3_600_000;
const engineCount = 8;
const path = process.argv[2] ?? new URL('../../traces/mooncake-conversation-2000.jsonl.gz', import.meta.url).pathname;

const source = await loadTrace(path);
const trace = extendTrace(source, hourMs);
const startedAt = process.cpuUsage();
const outcome = simulateFleet(trace, engineCount, defaultPreset.settings);
const { user, system } = process.cpuUsage(startedAt);
const sorted = outcome.firstTokenMs.toSorted((left, right) => left - right);
const percentile = (share: number) => ((sorted[Math.floor(share * (sorted.length - 1))] ?? 0) / 1_000).toFixed(2);

console.log(`trace            ${source.length} requests, as ${trace.length} in one hour`);
console.log(`engines          ${engineCount} of preset ${defaultPreset.name}, fewest tokens ahead first`);
console.log(`finished         ${outcome.finishedRequests}, ${outcome.retractions} retractions`);
console.log(`tokens           ${outcome.promptTokens} prompt, ${outcome.generatedTokens} generated`);
console.log(`token hit rate   ${((100 * outcome.cachedTokens) / outcome.promptTokens).toFixed(1)} %`);
console.log(`first token      ${percentile(0.5)} s p50, ${percentile(0.99)} s p99`);
console.log(
  `CPU time         ${((user + system) / 1e6).toFixed(2)} s for ${(outcome.endedAtMs / 1_000).toFixed(0)} s of engine time`,
);
