import { cpuMicrosBetween, peakResidentBytes, sampleTree } from '../support/process-usage.ts';
import { percentile } from '../support/statistics.ts';
import type { AnswerMode, LoadJob } from './protocol.ts';
import { type MarkedRun, sharedPrefixRequest, smallRequest, type Target, type TestBed } from './test-bed.ts';

/** Values by measure id. */
export type Values = Readonly<Record<string, number>>;

export interface Outcome {
  readonly values: Values;
  readonly failures: number;
  readonly failure?: string | undefined;
}

export interface Scenario {
  readonly name: string;
  /** Whether the engine without a router is measured too, as the base of what a router adds. */
  readonly includesDirect: boolean;
  run(bed: TestBed, target: Target): Promise<Outcome>;
}

/** How long the parts take; `scale` shortens all of them. */
export interface Durations {
  readonly scale: number;
}

const kilobyte = 1024;
const largeRequest = { uniqueBytes: 512 * kilobyte, sharedBytes: 0, stream: false } as const;
const streamRequest = { ...smallRequest, stream: true } as const;
/** Later than this is Nagle waiting for a delayed acknowledgement (40 ms on Linux), not a busy machine. */
const delayedFromMs = 35;

/** Measured in every round. */
export function repeatedScenarios({ scale }: Durations): Scenario[] {
  const ms = (full: number) => Math.round(full * scale);
  // Never so short that a JIT compiler has not seen the code.
  const warmUpMs = Math.max(400, ms(700));
  const window = { warmUpMs, durationMs: ms(3_000) };
  return [
    perRequest('cpu300', (port) => ({ kind: 'closed-loop', port, shape: smallRequest, connections: 64, ...window })),
    perRequest('cpu36k', (port) => ({
      kind: 'open-loop',
      port,
      shape: sharedPrefixRequest,
      perSecond: 500,
      ...window,
    })),
    perRequest('cpu512k', (port) => ({
      kind: 'open-loop',
      port,
      shape: largeRequest,
      perSecond: 20,
      warmUpMs,
      durationMs: ms(4_000),
    })),
    perEvent('cpuEvent200', { streams: 200, perSecond: 50, startWithinMs: 500, durationMs: ms(3_500) }),
    perEvent('cpuEvent1000', { streams: 1_000, perSecond: 20, startWithinMs: 1_000, durationMs: ms(3_500) }),
    latency((port) => ({ kind: 'open-loop', port, shape: smallRequest, perSecond: 300, ...window })),
    delays(ms(2_500)),
  ];
}

/** Measured once, on routers that have worked for a while. */
export function singleScenarios({ scale }: Durations): Scenario[] {
  const count = (full: number) => Math.round(full * scale);
  return [
    growth('growth300', smallRequest, count(20_000)),
    growth('growth36k', sharedPrefixRequest, count(6_000)),
    growth('growth512k', largeRequest, count(500)),
    slowReader,
    largeBody,
  ];
}

function perRequest(id: string, jobFor: (port: number) => LoadJob): Scenario {
  return {
    name: id,
    includesDirect: false,
    async run(bed, target) {
      await bed.answerWith({ kind: 'json' });
      const run = await bed.run(target, jobFor(target.port));
      return outcomeOf(run, { [id]: cpuPer(run, 'requests') });
    },
  };
}

interface StreamLoad {
  readonly streams: number;
  readonly perSecond: number;
  readonly startWithinMs: number;
  readonly durationMs: number;
}

function perEvent(id: string, { streams, perSecond, startWithinMs, durationMs }: StreamLoad): Scenario {
  const marginMs = 700;
  const mode: AnswerMode = {
    kind: 'stream',
    events: Math.ceil(((startWithinMs + durationMs + marginMs) * perSecond) / 1_000),
    intervalMs: Math.round(1_000 / perSecond),
    isStamped: false,
  };
  return {
    name: id,
    includesDirect: true,
    async run(bed, target) {
      await bed.answerWith(mode);
      const { port } = target;
      const run = await bed.run(target, {
        kind: 'streams',
        port,
        shape: streamRequest,
        streams,
        startWithinMs,
        durationMs,
      });
      const firstByte = { [`firstByte${streams}`]: percentile(run.result.firstBytesMs!, 0.5) };
      return outcomeOf(run, target.router ? { ...firstByte, [id]: cpuPer(run, 'events') } : firstByte);
    },
  };
}

function latency(jobFor: (port: number) => LoadJob): Scenario {
  return {
    name: 'latency',
    includesDirect: true,
    async run(bed, target) {
      await bed.answerWith({ kind: 'json' });
      const run = await bed.run(target, jobFor(target.port));
      const latencies = run.result.latenciesMs!;
      return outcomeOf(run, { latencyP50: percentile(latencies, 0.5), latencyP99: percentile(latencies, 0.99) });
    },
  };
}

function delays(durationMs: number): Scenario {
  return {
    name: 'delays',
    includesDirect: true,
    async run(bed, target) {
      await bed.answerWith({ kind: 'stream', events: 6, intervalMs: 15, isStamped: true });
      const { port } = target;
      const run = await bed.run(target, { kind: 'delays', port, shape: streamRequest, connections: 8, durationMs });
      const late = run.result.delaysMs!.filter((delayMs) => delayMs >= delayedFromMs).length;
      return outcomeOf(run, { delayedShare: late / run.result.delaysMs!.length });
    },
  };
}

/** How much a router keeps of each request. What the first part of the requests costs is warming up. */
function growth(id: string, shape: Extract<LoadJob, { kind: 'fixed-count' }>['shape'], requests: number): Scenario {
  return {
    name: id,
    includesDirect: false,
    async run(bed, target) {
      await bed.answerWith({ kind: 'json' });
      const { port } = target;
      const countFrom = Math.round(requests * 0.4);
      const run = await bed.run(target, { kind: 'fixed-count', port, shape, requests, countFrom, connections: 8 });
      const [from, to] = run.marks;
      const grownBytes = to!.usage.residentBytes - from!.usage.residentBytes;
      return outcomeOf(run, { [id]: grownBytes / (to!.count.requests - from!.count.requests) });
    },
  };
}

const slowReader: Scenario = {
  name: 'slowReader',
  includesDirect: false,
  async run(bed, target) {
    await bed.answerWith({ kind: 'flood', totalBytes: 100e6 });
    const before = sampleTree(target.router!.identity).residentBytes;
    const { port } = target;
    const job = { kind: 'slow-reader', port, shape: streamRequest, durationMs: 2_500 } as const;
    const [run, peak] = await peakResidentBytes(target.router!.identity, () => bed.run(target, job));
    return outcomeOf(run, { slowReader: Math.max(0, peak - before) });
  },
};

const largeBody: Scenario = {
  name: 'largeBody',
  includesDirect: false,
  async run(bed, target) {
    await bed.answerWith({ kind: 'json' });
    const before = sampleTree(target.router!.identity).residentBytes;
    const job = { kind: 'large-body', port: target.port, bytes: 300e6 } as const;
    const [run, peak] = await peakResidentBytes(target.router!.identity, () => bed.run(target, job));
    return outcomeOf(run, { largeBody: Math.max(0, peak - before), largeBodyStatus: run.result.status ?? Number.NaN });
  },
};

/** CPU time between the marks for each thing counted, in microseconds. */
function cpuPer({ marks }: MarkedRun, what: 'requests' | 'events'): number {
  const [from, to] = marks;
  return cpuMicrosBetween(from!.usage, to!.usage) / (to!.count[what] - from!.count[what]);
}

function outcomeOf({ result }: MarkedRun, values: Values): Outcome {
  return { values, failures: result.failures, failure: result.failure };
}
