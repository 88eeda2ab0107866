import { crashMarkers } from './crash-markers.ts';
import type { LifeEvent, StartupPhase } from './life-event.ts';

type WithoutStamp<Event> = Event extends unknown ? Omit<Event, 'time' | 'rank'> : never;
/** What a marker reads from its line: the event without time and rank. */
export type LifeFacts = WithoutStamp<LifeEvent>;

export interface LifeMarker {
  /** Text that the line must hold, exactly. */
  readonly phrase: string;
  /** Reads the line from `at`, where the phrase begins; undefined when it turns out to be something else. */
  readonly read: (line: string, at: number) => LifeFacts | undefined;
}

/** Lines worth recognising beside batches, SGLang 0.3 to 0.5.23. The leftmost phrase of a line decides. */
export const lifeMarkers: readonly LifeMarker[] = [
  // The text stays unread: it is long and holds the API key.
  fixed('server_args=', { kind: 'server-args' }),
  phase('Init torch distributed begin', 'distributed-init', 'begin'),
  phase('Init torch distributed ends', 'distributed-init', 'end'),
  phase('Init parallel begin', 'distributed-init', 'begin'),
  phase('Init parallel ends', 'distributed-init', 'end'),
  phase('Load weight begin', 'load-weight', 'begin'),
  phase('Load weight end', 'load-weight', 'end'),
  phase('Memory pool end', 'kv-cache', 'end'),
  phase(' graph begin', 'graph-capture', 'begin'),
  phase(' graph end', 'graph-capture', 'end'),
  phase('Entering DeepGEMM JIT Pre-Compile session', 'jit-compile', 'begin'),
  progress('Loading safetensors checkpoint shards', 'load-weight'),
  progress('Loading pt checkpoint shards', 'load-weight'),
  progress('Multi-thread loading shards', 'load-weight'),
  progress('Capturing batches', 'graph-capture'),
  progress('Compiling num tokens', 'graph-capture'),
  progress('Capturing num tokens', 'graph-capture'),
  { phrase: 'KV Cache is allocated', read: readKvCache },
  {
    phrase: 'max_total_num_tokens=',
    read: (line, at) => ({ kind: 'capacity', values: readAssignments(line.slice(at)) }),
  },
  {
    phrase: 'Engine startup timings (s)',
    read: (line, at) => ({ kind: 'startup-timings', seconds: readAssignments(line.slice(at)) }),
  },
  fixed('Started server process [', { kind: 'http-server', stage: 'process-started' }),
  fixed('Waiting for application startup', { kind: 'http-server', stage: 'starting' }),
  fixed('Application startup complete', { kind: 'http-server', stage: 'started' }),
  fixed('Uvicorn running on', { kind: 'http-server', stage: 'listening' }),
  fixed('INFO:     Shutting down', { kind: 'http-server', stage: 'stopping' }),
  fixed('Finished server process [', { kind: 'http-server', stage: 'stopped' }),
  fixed('The server is fired up and ready to roll', { kind: 'ready', mode: 'serving' }),
  fixed('End of disaggregation warmup', { kind: 'ready', mode: 'disaggregation' }),
  { phrase: 'KV cache pool is full. Retract requests', read: readRetraction },
  { phrase: 'Decode out of memory happened', read: readRetraction },
  fixed('Health check failed.', { kind: 'health-check-failed' }),
  fixed('SIGTERM received.', { kind: 'drain', stage: 'started' }),
  { phrase: 'Remaining number of requests', read: readRemaining },
  fixed('Cache flushed successfully', { kind: 'cache-flushed' }),
  fixed('but the state was deleted in TokenizerManager', { kind: 'orphaned-output' }),
  fixed('transfer failed for request rank=', { kind: 'transfer-failed' }),
  fixed('NIXL transport error for room', { kind: 'transfer-failed' }),
  { phrase: ' - "', read: readAccess },
  ...crashMarkers,
];

function fixed(phrase: string, facts: LifeFacts): LifeMarker {
  return { phrase, read: () => facts };
}

function phase(phrase: string, name: StartupPhase, state: 'begin' | 'end'): LifeMarker {
  return {
    phrase,
    read(line, at) {
      const elapsedSeconds = numberAfter(line, at, /(?:elapsed=|Time elapsed: )([\d.]+) ?s/);
      const availableMemoryGb = numberAfter(line, at, /avail mem=([\d.]+) GB/);
      return {
        kind: 'startup-phase',
        phase: name,
        state,
        ...(elapsedSeconds !== undefined && { elapsedSeconds }),
        ...(availableMemoryGb !== undefined && { availableMemoryGb }),
      };
    },
  };
}

/** tqdm bars: `40% Completed | 2/5 [00:01<...` and ` 17%|█▋        | 1/6 [00:16<...`. */
function progress(phrase: string, name: StartupPhase): LifeMarker {
  return {
    phrase,
    read(line, at) {
      const match = /\| *(\d+)\/(\d+) \[/.exec(line.slice(at));
      return match
        ? { kind: 'startup-progress', phase: name, done: Number(match[1]), total: Number(match[2]) }
        : undefined;
    },
  };
}

function readKvCache(line: string, at: number): LifeFacts {
  const tokens = numberAfter(line, at, /#tokens: (\d+)/);
  const keyGb = numberAfter(line, at, /K size: ([\d.]+) GB/);
  const valueGb = numberAfter(line, at, /V size: ([\d.]+) GB/);
  return {
    kind: 'kv-cache-allocated',
    ...(tokens !== undefined && { tokens }),
    ...(keyGb !== undefined && { keyGb }),
    ...(valueGb !== undefined && { valueGb }),
  };
}

/** `name=12, other=3.5 GB`; nested `{a=1}` is read flat. */
function readAssignments(text: string): Record<string, number> {
  const values: Record<string, number> = {};
  for (const [, name, value] of text.matchAll(/(\w+)=(-?\d+(?:\.\d+)?)(?![\w.])/g)) values[name!] = Number(value);
  return values;
}

function readRetraction(line: string, at: number): LifeFacts {
  const ratio = /#new_token_ratio: ([\d.]+) -> ([\d.]+)/.exec(line.slice(at));
  return {
    kind: 'retraction',
    requests: numberAfter(line, at, /#retracted_reqs: (\d+)/) ?? 1,
    ...(ratio && { newTokenRatio: { before: Number(ratio[1]), after: Number(ratio[2]) } }),
  };
}

function readRemaining(line: string, at: number): LifeFacts {
  const remainingRequests = numberAfter(line, at, /requests (\d+)/);
  return { kind: 'drain', stage: 'waiting', ...(remainingRequests !== undefined && { remainingRequests }) };
}

/** `INFO:     ip:port - "GET /health HTTP/1.1" 200 OK`. A line cut before its status says nothing. */
function readAccess(line: string, at: number): LifeFacts | undefined {
  const match = /^ - "([A-Z]+) ([^ "?]+)[^ "]* HTTP\/[\d.]+" (\d{3})/.exec(line.slice(at));
  return match ? { kind: 'access', method: match[1]!, path: match[2]!, status: Number(match[3]) } : undefined;
}

function numberAfter(line: string, at: number, pattern: RegExp): number | undefined {
  const text = pattern.exec(line.slice(at))?.[1];
  const value = Number(text);
  return text === undefined || Number.isNaN(value) ? undefined : value;
}
