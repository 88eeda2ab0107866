import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { afterLifeEvent, type EngineLife, loggedCapacity, unknownLife } from '../../runtime/log-monitor/engine-life.ts';
import { eventTimeMs } from '../../runtime/log-monitor/event-time.ts';
import { parseLogLine } from '../../runtime/log-monitor/parse-line.ts';

/** Reads lines as a monitor would. */
function follow(lines: readonly string[], from: EngineLife = unknownLife) {
  let life = from;
  let restarts = 0;
  const startups: object[] = [];
  for (const line of lines) {
    const event = parseLogLine(line);
    if (event === undefined) continue;
    const step = afterLifeEvent(life, event, event.time === null ? null : (eventTimeMs(event.time) ?? null));
    life = step.life;
    if (step.isRestart) restarts++;
    if (step.startup) startups.push(step.startup);
  }
  return { life, restarts, startups };
}

const at = (second: number, text: string, rank = '') =>
  `[2026-05-07 10:00:${String(second).padStart(2, '0')}${rank}] ${text}`;
const launch = (second: number) => at(second, "server_args={'model_path': 'm'}");
const ready = (second: number) => at(second, 'The server is fired up and ready to roll!');
const capacity = (second: number, requests: number, rank = '') =>
  at(second, `max_total_num_tokens=20480, max_running_requests=${requests}, context_len=32768`, rank);

describe('start-up', () => {
  test('a real 0.5.23: its own timings, and the whole from the first line to readiness', () => {
    const log = readFileSync(`${import.meta.dirname}/../fixtures/sglang-real-0.5.23/server.log`, 'utf8').split('\n');
    const { life, restarts, startups } = follow(log);
    expect(startups).toEqual([{ 'distributed-init': 0.23, 'load-weight': 0.12, 'kv-cache': 1.47, total: 237 }]);
    expect(restarts).toBe(0);
    expect(life.state).toBe('serving');
    expect(loggedCapacity(life)).toBe(2048);
  });

  test('an older engine prints times alone; a draft model adds to its phases', () => {
    const { startups } = follow([
      launch(0),
      at(1, 'Init torch distributed begin.', ' TP0'),
      at(3, 'Init torch distributed ends. mem usage=0.5 GB', ' TP0'),
      at(3, 'Load weight begin. avail mem=78.81 GB', ' TP0'),
      at(7, 'Load weight end. type=LlamaForCausalLM, avail mem=66.15 GB', ' TP0'),
      at(8, 'Memory pool end. avail mem=23.46 GB', ' TP0'),
      at(8, 'Capture cuda graph begin. This can take up to several minutes.', ' TP0'),
      at(20, 'Capture cuda graph end. Time elapsed: 12.18 s', ' TP0'),
      at(20, 'Load weight begin. avail mem=11.13 GB', ' TP0'),
      at(22, 'Load weight end. type=LlamaForCausalLMEagle, avail mem=10.20 GB', ' TP0'),
      at(22, 'Capture cuda graph begin. This can take up to several minutes.', ' TP0'),
      at(35, 'Capture cuda graph end. Time elapsed: 12.97 s', ' TP0'),
      ready(40),
    ]);
    expect(startups).toEqual([
      { 'distributed-init': 2, 'load-weight': 6, 'kv-cache': 1, 'graph-capture': 25.15, total: 40 },
    ]);
  });

  test('ranks start side by side: the slowest counts', () => {
    const { startups } = follow([
      launch(0),
      at(1, 'Load weight begin. avail mem=78.81 GB', ' DP0 TP0'),
      at(1, 'Load weight begin. avail mem=78.81 GB', ' DP1 TP1'),
      at(5, 'Load weight end. avail mem=66.15 GB', ' DP0 TP0'),
      at(9, 'Load weight end. avail mem=66.15 GB', ' DP1 TP1'),
      ready(12),
    ]);
    expect(startups).toEqual([{ 'load-weight': 8, total: 12 }]);
  });

  test('a launch that never became ready leaves nothing to the next', () => {
    const { startups, restarts } = follow([
      launch(0),
      at(1, 'Load weight begin. avail mem=78.81 GB'),
      at(31, 'Load weight end. avail mem=66.15 GB'),
      launch(40),
      ready(50),
    ]);
    expect(startups).toEqual([{ total: 10 }]);
    expect(restarts).toBe(1);
  });

  test('lines without times give no total', () => {
    expect(follow(["server_args={'model_path': 'm'}", ready(5)]).startups).toEqual([{}]);
  });
});

describe('restarts', () => {
  test('the first launch is none, each further one is', () => {
    const life = [launch(0), at(1, 'INFO:     Started server process [7]'), ready(2)];
    expect(follow([...life, ...life, ...life]).restarts).toBe(2);
  });

  test('a launch after batches of an engine whose start nobody saw is one', () => {
    expect(follow([at(0, 'Decode batch, #running-req: 1'), launch(5)]).restarts).toBe(1);
  });

  test('without server_args uvicorn tells, and with it its many processes do not', () => {
    const uvicorn = at(1, 'INFO:     Started server process [7]');
    expect(follow([uvicorn, ready(2), uvicorn]).restarts).toBe(1);
    expect(follow([launch(0), uvicorn, uvicorn, uvicorn]).restarts).toBe(0);
  });
});

describe('state', () => {
  test.each<[string, string[], string]>([
    ['batches of an unknown engine', [at(0, 'Prefill batch, #new-seq: 1')], 'serving'],
    ['a warm-up batch', [launch(0), at(1, 'Prefill batch, #new-seq: 1')], 'starting'],
    ['readiness', [launch(0), ready(2)], 'serving'],
    ['a crash', [ready(0), at(1, 'Scheduler hit an exception: Traceback')], 'dead'],
    ['a soft watchdog', [ready(0), 'watchdog timeout (self.watchdog_timeout=60, self.soft=True)'], 'serving'],
    ['a marker in a prompt', [ready(0), at(1, 'CUDA error: what?'), at(2, 'Decode batch, #token: 1')], 'serving'],
  ])('%s', (_, lines, state) => {
    expect(follow(lines).life.state).toBe(state);
  });
});

describe('capacity', () => {
  test('data-parallel ranks add up, copies of other ranks do not', () => {
    const lines = [capacity(1, 64, ' DP0 PP0'), capacity(1, 64, ' DP0 PP1'), capacity(1, 32, ' DP1 PP0')];
    expect(loggedCapacity(follow(lines).life)).toBe(96);
  });

  test('a new launch forgets it', () => {
    expect(loggedCapacity(follow([capacity(1, 64), launch(2)]).life)).toBeNull();
  });
});
