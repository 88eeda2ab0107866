import { readFileSync } from 'node:fs';
import { parseLogLine } from '../../runtime/log-monitor/parse-line.ts';
import { naiveParse } from './naive-parse.ts';

/**
 * Lines per second of CPU time on one core, over the real lines of the test fixture, as the monitor meets them: bytes
 * are decoded and split anew in every round, so no string is ever seen twice. Best of several rounds.
 * The ratio is against `naiveParse`, the obvious regular expression, which understands less and converts nothing.
 */
const rounds = 8;
const linesPerRound = 300_000;

const lines = readFileSync(`${import.meta.dirname}/../../test/fixtures/sglang-log-lines.txt`, 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('# '));
const isBatch = (line: string) => /(?:Prefill|Decode) batch/.test(line);
const isAccess = (line: string) => line.includes(' HTTP/');

const mixes = {
  'all fixture lines': lines,
  'batch lines': lines.filter(isBatch),
  'access lines': lines.filter(isAccess),
  'other lines': lines.filter((line) => !isBatch(line) && !isAccess(line)),
};

console.log(
  `Node ${process.version}, ${rounds} rounds of ${linesPerRound} lines, best round; decode and split included`,
);
for (const [name, mix] of Object.entries(mixes)) {
  const ours = describe(mix, parseLogLine);
  const baseline = describe(mix, naiveParse);
  console.log(`${name} (${mix.length})`);
  console.log(`  parseLogLine      ${ours.text}`);
  console.log(`  naive expression  ${baseline.text}   ratio ${(ours.perSecond / baseline.perSecond).toFixed(1)}`);
}

function describe(mix: readonly string[], parse: (line: string) => unknown) {
  const perSecond = linesPerSecond(mix, parse);
  const understood = mix.filter((line) => parse(line) !== undefined).length;
  const rate = Math.round(perSecond).toLocaleString('en').padStart(9);
  return { perSecond, text: `${rate} lines/s, understood ${String(understood).padStart(3)}` };
}

function linesPerSecond(mix: readonly string[], parse: (line: string) => unknown): number {
  const repeats = Math.ceil(linesPerRound / mix.length);
  const bytes = Buffer.from(`${mix.join('\n')}\n`);
  let best = 0;
  for (let round = 0; round < rounds; round++) {
    const startedAt = process.cpuUsage();
    for (let repeat = 0; repeat < repeats; repeat++) {
      for (const line of bytes.toString('utf8').split('\n')) parse(line);
    }
    const { user, system } = process.cpuUsage(startedAt);
    best = Math.max(best, (repeats * mix.length * 1e6) / (user + system));
  }
  return best;
}
