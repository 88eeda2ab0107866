import {
  type DrainState,
  drainPollMs,
  engineStopGraceMs,
  idleStopGraceMs,
  nextDrainStep,
  routerPollMs,
} from '../../runtime/runner/drain-plan.ts';
import { engineCommand } from '../../runtime/runner/engine/engine-command.ts';
import { parseLoads } from '../../runtime/runner/engine/engine-load.ts';
import { startupVerdict } from '../../runtime/runner/engine/first-generation.ts';
import { defaultEngineKind, type EngineOptions } from '../../runtime/runner/options.ts';
import { nextHeartbeatMs } from '../../runtime/runner/routers/router-link.ts';

describe('nextDrainStep', () => {
  const state: DrainState = {
    areRoutersTold: true,
    inFlight: 3,
    busyTurns: 0,
    idleReadings: 0,
    failedReadings: 0,
    inFlightAtRouters: undefined,
    deadlineAt: 10_000,
    isDeadlineHard: false,
  };
  const idle: DrainState = { ...state, inFlight: 0, idleReadings: 2 };

  test('routers are told before anything else', () => {
    expect(nextDrainStep({ ...state, areRoutersTold: false }, 99_999)).toEqual({ do: 'tell-routers' });
  });

  test('requests in flight are waited for until the deadline, never past it, and are then handed over', () => {
    expect(nextDrainStep(state, 0)).toEqual({ do: 'wait', forMs: drainPollMs });
    expect(nextDrainStep(state, 9_960)).toEqual({ do: 'wait', forMs: 40 });
    expect(nextDrainStep(state, 10_000)).toEqual({ do: 'hand-over', requests: 3, turns: 0 });
  });

  test('turns of sessions are waited for until the deadline, whatever the engine counts', () => {
    for (const inFlight of [0, undefined]) {
      const turning = { ...state, inFlight, busyTurns: 1 };
      expect(nextDrainStep(turning, 0)).toEqual({ do: 'wait', forMs: drainPollMs });
      expect(nextDrainStep(turning, 10_000)).toEqual({ do: 'hand-over', requests: 0, turns: 1 });
    }
  });

  test('a single reading of 0 is not believed, two are', () => {
    expect(nextDrainStep({ ...idle, idleReadings: 1 }, 0)).toMatchObject({ do: 'wait' });
    expect(nextDrainStep(idle, 0)).toEqual({ do: 'ask-routers' });
  });

  test('an idle engine is stopped once no router has anything left of its answers', () => {
    expect(nextDrainStep({ ...idle, inFlightAtRouters: 1 }, 0)).toEqual({ do: 'wait', forMs: routerPollMs });
    const graceMs = idleStopGraceMs;
    expect(nextDrainStep({ ...idle, inFlightAtRouters: 0 }, 0)).toEqual({ do: 'stop-engine', graceMs });
    expect(nextDrainStep(idle, 10_000)).toEqual({ do: 'stop-engine', graceMs });
  });

  test('an engine that cannot count gets the rest of the time to drain by itself', () => {
    const unknown = { ...state, inFlight: undefined, failedReadings: 3, deadlineAt: 90_000 };
    expect(nextDrainStep(unknown, 0)).toEqual({ do: 'stop-engine', graceMs: 90_000 });
    expect(nextDrainStep(unknown, 89_000)).toEqual({ do: 'stop-engine', graceMs: engineStopGraceMs });
    expect(nextDrainStep(unknown, 90_000)).toEqual({ do: 'stop-engine', graceMs: engineStopGraceMs });
    expect(nextDrainStep({ ...unknown, failedReadings: 2 }, 0)).toEqual({ do: 'wait', forMs: drainPollMs });
  });

  test('and no more than that when the machine is taken away', () => {
    const unknown = { ...state, inFlight: undefined, failedReadings: 3, isDeadlineHard: true };
    expect(nextDrainStep(unknown, 9_000)).toEqual({ do: 'stop-engine', graceMs: 1_000 });
    expect(nextDrainStep(unknown, 10_000)).toMatchObject({ do: 'hand-over' });
  });
});

test('a starting engine is ended for silence, and for taking long only where a maximum is set', () => {
  const start = { launchedAt: 0, lastProgressAt: 1_799_000, silenceLimitMs: 900_000, maxMs: undefined };
  expect(startupVerdict(start, 1_800_000)).toBe('wait');
  expect(startupVerdict({ ...start, lastProgressAt: 900_000 }, 1_800_000)).toBe('silence');
  expect(startupVerdict({ ...start, maxMs: 1_800_001 }, 1_800_000)).toBe('wait');
  expect(startupVerdict({ ...start, maxMs: 1_800_000 }, 1_800_000)).toBe('maximum');
});

test('after a failed heartbeat the next one comes sooner', () => {
  expect([0, 1, 2, 3, 4, 5, 99].map(nextHeartbeatMs)).toEqual([10_000, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
});

describe('parseLoads', () => {
  test('data-parallel ranks are summed', () => {
    const rank = { num_running_reqs: 6, num_waiting_reqs: 1, num_used_tokens: 934, max_total_num_tokens: 20_000 };
    expect(parseLoads({ loads: [rank, { ...rank, num_running_reqs: 2 }] })).toEqual({
      runningRequests: 8,
      waitingRequests: 2,
      usedTokens: 1_868,
      maxTotalTokens: 40_000,
    });
  });

  test.each([undefined, null, {}, { loads: [] }, { loads: {} }, 'text'])(
    'an answer of another shape is no load: %j',
    (it) => {
      expect(parseLoads(it)).toBeUndefined();
    },
  );
});

describe('the engine command', () => {
  const base: EngineOptions = {
    kind: 'sglang',
    port: 0,
    url: undefined,
    command: undefined,
    python: 'python3',
    model: 'Qwen/Qwen3-0.6B',
    container: { image: undefined, program: 'docker', name: 'fleet-engine', options: [] },
    settings: {},
    extraArguments: ['--tp-size', '2'],
    startupSilenceMs: 1,
    startupMaxMs: undefined,
    giveUpAfter: 5,
  };
  const address = { host: '0.0.0.0', port: 7999 };

  test('real SGLang gets model, address, what routers need, and every unknown flag', () => {
    const { file, args } = engineCommand(base, address, 1);
    expect([file, ...args].join(' ')).toBe(
      'python3 -m sglang.launch_server --model-path Qwen/Qwen3-0.6B --host 0.0.0.0 --port 7999 --enable-metrics --enable-cache-report --tp-size 2',
    );
  });

  test('a custom command keeps its own quoting and gets the address', () => {
    const { args } = engineCommand(
      { ...base, kind: 'command', command: 'run --at {host}:{port} "{model}"' },
      address,
      1,
    );
    expect(args).toEqual(['-c', 'exec run --at 0.0.0.0:7999 "Qwen/Qwen3-0.6B" "$@"', 'sh', '--tp-size', '2']);
  });

  test.each([
    ['--port=1', '--engine-port'],
    ['--model-path', '--model'],
  ])('%s is refused, naming %s', (flag, option) => {
    expect(() => engineCommand({ ...base, extraArguments: [flag] }, address, 1)).toThrow(option);
  });

  test('a model alone means real SGLang, nothing at all the simulator', () => {
    expect(defaultEngineKind({ model: 'm' })).toBe('sglang');
    expect(defaultEngineKind({})).toBe('simulator');
    expect(defaultEngineKind({ engineUrl: 'http://a:1', model: 'm' })).toBe('external');
  });
});
