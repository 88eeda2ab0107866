/** `node bench/routing/plot.ts RESULTS.json > plot.svg`: mean and 99th-percentile first-token time of every router as bars. */
import { readFileSync } from 'node:fs';
import type { Figures } from './figures.ts';

interface Results {
  readonly results: readonly { readonly workload: string; readonly figures: readonly Figures[] }[];
}

const width = 860;
const labelWidth = 200;
const barWidth = 500;
const rowHeight = 22;
const headHeight = 40;
const colours = { ours: '#1f77b4', other: '#9aa5b1', floor: '#d9dee3' } as const;

const { results } = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as Results;
const panels = results.map(({ workload, figures }) => ({
  workload,
  rows: figures.filter(({ router }) => !router.startsWith(' ')),
}));
let y = 0;
const parts = panels.map(({ workload, rows }) => {
  const top = y;
  y += headHeight + rowHeight * rows.length;
  return panel(workload, rows, top);
});
process.stdout.write(
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y + 34}" font-family="sans-serif" font-size="13" fill="#1b1f24">`,
    '<title>First-token time by router and workload</title>',
    `<rect width="${width}" height="${y + 34}" fill="#ffffff"/>`,
    ...parts,
    `<text x="12" y="${y + 22}" fill="#57606a">Bar: mean first-token time, each workload on its own scale. Numbers: mean / p99 in seconds.</text>`,
    '</svg>',
    '',
  ].join('\n'),
);

function panel(workload: string, rows: readonly Figures[], top: number): string {
  const longest = Math.max(...rows.map((row) => row.meanSeconds));
  const lines = rows.map((row, index) => {
    const middle = top + headHeight + rowHeight * index + rowHeight / 2;
    const length = Math.max(1, (barWidth * row.meanSeconds) / longest);
    const figures = `${row.meanSeconds.toFixed(2)} / ${row.p99Seconds.toFixed(1)}`;
    const weight = row.router.endsWith('predicted-ttft') ? ' font-weight="bold"' : '';
    return [
      `<text x="${labelWidth - 8}" y="${middle + 4}" text-anchor="end"${weight}>${row.router}</text>`,
      `<rect x="${labelWidth}" y="${middle - 8}" width="${length.toFixed(1)}" height="16" fill="${colourOf(row.router)}"/>`,
      `<text x="${(labelWidth + length + 8).toFixed(1)}" y="${middle + 4}"${weight}>${figures}</text>`,
    ].join('');
  });
  return [`<text x="12" y="${top + 28}" font-size="15" font-weight="bold">${workload}</text>`, ...lines].join('\n');
}

function colourOf(router: string): string {
  if (router === 'floor') return colours.floor;
  return router.endsWith('predicted-ttft') ? colours.ours : colours.other;
}
