import { distributionOf } from '../../runtime/cli/replay/stats.ts';
import { type Column, tableLines } from '../../runtime/cli/table.ts';

/** What one router made of one workload; seconds of engine time. Plain data: `--json` prints it. */
export interface Figures {
  /** A policy of ours, another router with its tuning, or the floor. */
  readonly router: string;
  readonly meanSeconds: number;
  readonly p50Seconds: number;
  readonly p99Seconds: number;
  /** Cached over prompt tokens. */
  readonly tokenHitRate: number;
  /** Of the requests, largest and smallest share of a worker; null for the floor. */
  readonly shares: { readonly least: number; readonly most: number } | null;
  /** Share of first tokens that came within 0.3 s of what was predicted at dispatch; null where nothing is predicted. */
  readonly predictedShare: number | null;
  /** Requests that got no complete answer. */
  readonly failed: number;
}

const columns: readonly Column[] = [
  { title: 'router' },
  ...['mean', 'p50', 'p99', 'token hits', 'worker shares', 'predicted', 'failed'].map(
    (title) => ({ title, align: 'right' }) as const,
  ),
];

/** Lines of a table. */
export function figureLines(rows: readonly Figures[]): string[] {
  return tableLines(
    columns,
    rows.map((row) => [
      row.router,
      row.meanSeconds.toFixed(2),
      row.p50Seconds.toFixed(2),
      row.p99Seconds.toFixed(1),
      `${(100 * row.tokenHitRate).toFixed(0)} %`,
      row.shares ? `${(100 * row.shares.least).toFixed(0)} to ${(100 * row.shares.most).toFixed(0)} %` : '',
      row.predictedShare === null ? '' : `${(100 * row.predictedShare).toFixed(0)} %`,
      row.failed > 0 ? String(row.failed) : '',
    ]),
  );
}

/** First-token times as the table shows them. */
export function firstTokenFigures(
  firstTokenMs: readonly number[],
): Pick<Figures, 'meanSeconds' | 'p50Seconds' | 'p99Seconds'> {
  const { mean, p50, p99 } = distributionOf(firstTokenMs, 1 / 1_000);
  return { meanSeconds: mean ?? Number.NaN, p50Seconds: p50 ?? Number.NaN, p99Seconds: p99 ?? Number.NaN };
}

/** @param engines how many there are, also those without a request */
export function sharesOf(requestsOf: readonly number[], engines: number): Figures['shares'] {
  const total = requestsOf.reduce((sum, requests) => sum + requests, 0);
  if (total === 0) return null;
  const least = requestsOf.length < engines ? 0 : Math.min(...requestsOf);
  return { least: least / total, most: Math.max(...requestsOf) / total };
}
