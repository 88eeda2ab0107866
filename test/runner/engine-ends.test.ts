import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { FailureCause } from '../../runtime/runner/engine/engine-failure.ts';
import { type EndedLaunch, explainEnd, readLastWords } from '../../runtime/runner/engine/explain-end.ts';
import { type FailureName, failureCause } from '../../runtime/runner/engine/failure-causes.ts';
import { afterEnd, givenUpRetryMs, noRestarts } from '../../runtime/runner/engine/restart-decision.ts';
import { StartupTimeline } from '../../runtime/runner/engine/startup-phases.ts';
import { parseLifeLine } from '../../runtime/shared/engine-log/parse-life-line.ts';
import type { ProcessEnd } from '../../runtime/shared/process/owned-process.ts';

const killed: ProcessEnd = { code: null, signal: 'SIGKILL', reason: null, at: '2026-11-27T00:00:00.000Z' };
const status = (code: number): ProcessEnd => ({ ...killed, code, signal: null });

function explain(lines: readonly string[], more: Partial<EndedLaunch> = {}): FailureCause {
  return explainEnd({
    ...{ end: status(1), wasReady: false, limit: undefined, kernelKilled: false },
    lastWords: readLastWords(lines),
    ...more,
  });
}

describe('the cause of an end', () => {
  /** As SGLang, PyTorch, Hugging Face and Docker print them. */
  const shapes: [string, FailureName][] = [
    [
      'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity',
      'gpu-out-of-memory',
    ],
    ['RuntimeError: CUDA error: out of memory', 'gpu-out-of-memory'],
    [
      'RuntimeError: Not enough memory. Please try to increase --mem-fraction-static. Current value: mem_fraction_static=0.5',
      'kv-pool-too-small',
    ],
    ['torch.AcceleratorError: CUDA error: no kernel image is available for execution on the device', 'gpu-unsupported'],
    ['RuntimeError: CUDA error: invalid device ordinal', 'too-few-gpus'],
    ['RuntimeError: No CUDA GPUs are available', 'gpu-missing'],
    ['RuntimeError: CUDA error: an illegal memory access was encountered', 'gpu-error'],
    ['torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:77, unhandled system error', 'nccl'],
    ['[2026-11-22 02:40:31] Scheduler watchdog timeout (self.watchdog_timeout=300, self.soft=False)', 'watchdog'],
    ['Rank 0 scheduler died during initialization (exit code: -9). If you see OOM', 'host-out-of-memory'],
    ['launch_server.py: error: unrecognized arguments: --tp-sizes 2', 'bad-arguments'],
    [
      'ValueError: The arguments enable-hierarchical-cache and disable-radix-cache are mutually exclusive and cannot be used at the same time.',
      'bad-arguments',
    ],
    [
      "OSError: no/such is not a local folder and is not a valid model identifier listed on 'https://huggingface.co/models'",
      'model-not-found',
    ],
    ["huggingface_hub.errors.HFValidationError: Repo id must be in the form 'repo_name'", 'model-not-found'],
    ['OSError: You are trying to access a gated repo.', 'model-gated'],
    ["OSError: We couldn't connect to 'https://huggingface.co' to load the files", 'model-unreachable'],
    ['OSError: [Errno 28] No space left on device', 'disk-full'],
    ["[Errno 98] error while attempting to bind on address ('0.0.0.0', 7999): address already in use", 'port-in-use'],
    [
      "/usr/bin/python3: Error while finding module specification for 'sglang.launch_server' (ModuleNotFoundError: No module named 'sglang')",
      'not-installed',
    ],
    [
      'docker: Error response from daemon: could not select device driver "" with capabilities: [[gpu]].',
      'container-without-gpu',
    ],
    [
      'docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
      'container-failed',
    ],
    ['[2026-03-14 14:30:47] Scheduler hit an exception: Traceback (most recent call last):', 'engine-exception'],
    ['SIGQUIT received. signum=None, frame=None. It usually means one child failed.', 'child-died'],
  ];
  test.each(shapes)('%s', (line, name) => {
    const cause = explain([line, 'Killed']);
    expect(cause).toMatchObject({ name, isSuspected: false });
    expect(cause.advice).toMatch(/\.$/);
  });

  test('is what the others follow from, in whatever order they are printed', () => {
    const lines = [
      '[2026-11-22 02:40:31 TP1] Scheduler hit an exception: Traceback (most recent call last):',
      'torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:77',
      '[2026-11-22 02:40:31 TP0] Scheduler hit an exception: Traceback (most recent call last):',
      'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.',
      'SIGQUIT received. signum=None, frame=None. It usually means one child failed.',
    ];
    expect(explain(lines, { end: killed })).toMatchObject({ name: 'gpu-out-of-memory', isSuspected: false });
    expect(explain(lines.toReversed(), { end: killed }).name).toBe('gpu-out-of-memory');
  });

  test('is no error of a request that a serving engine survived', () => {
    const lines = ['huggingface_hub.errors.RepositoryNotFoundError: 404 Client Error'];
    expect(explain(lines, { wasReady: true })).toMatchObject({ name: 'unknown', isSuspected: true });
    expect(explain(lines).name).toBe('model-not-found');
  });

  test('is not taken from a prompt that quotes a log', () => {
    const line = '[2026-11-22 02:40:31] Receive: obj=GenerateReqInput(text="CUDA out of memory")';
    expect(explain([line]).name).toBe('unknown');
  });

  test('a silent SIGKILL is a suspicion of the kernel, where the kernel does not deny it', () => {
    for (const end of [killed, status(137)]) {
      expect(explain([], { end, kernelKilled: true })).toMatchObject({ name: 'host-out-of-memory', isSuspected: true });
      expect(explain([], { end, kernelKilled: undefined }).name).toBe('host-out-of-memory');
      expect(explain([], { end, kernelKilled: false }).name).toBe('killed');
    }
  });

  test('a limit of the start explains an end unless the log does better', () => {
    expect(explain([], { end: killed, limit: 'silence' }).name).toBe('startup-silence');
    expect(explain([], { end: killed, limit: 'maximum' }).name).toBe('startup-maximum');
    const outOfMemory = 'torch.OutOfMemoryError: CUDA out of memory.';
    expect(explain([outOfMemory], { end: killed, limit: 'silence' }).name).toBe('gpu-out-of-memory');
  });

  test('other ends', () => {
    expect(explain([], { end: { ...status(0), code: null, reason: 'spawn x ENOENT' } }).name).toBe('not-startable');
    expect(explain([], { end: status(2) })).toMatchObject({
      name: 'bad-arguments',
      isSuspected: true,
      restartHelps: true,
    });
    expect(explain([], { end: status(2), wasReady: true }).name).toBe('unknown');
    expect(explain([], { end: { ...killed, signal: 'SIGSEGV' } }).name).toBe('native-crash');
    expect(explain(['SIGTERM received. signum=None frame=None. Draining requests'], { end: killed }).name).toBe(
      'stopped',
    );
  });
});

describe('after an end', () => {
  const chance = failureCause('nccl', false);
  const certain = failureCause('bad-arguments', false);

  test('what no restart can mend is given up at once, told once, and retried seldom', () => {
    const first = afterEnd(noRestarts, undefined, certain, 5);
    expect(first).toMatchObject({ givesUp: true, waitMs: givenUpRetryMs, state: { isGivenUp: true } });
    expect(afterEnd(first.state, undefined, certain, 5)).toMatchObject({ givesUp: false, waitMs: givenUpRetryMs });
  });

  test('anything else is given up after so many launches without a generation', () => {
    let state = noRestarts;
    const given: boolean[] = [];
    for (let launch = 0; launch < 4; launch++) {
      const decision = afterEnd(state, undefined, chance, 3);
      given.push(decision.givesUp);
      state = decision.state;
    }
    expect(given).toEqual([false, false, true, false]);
  });

  test('a generation in between starts the count anew, and takes a given-up engine back', () => {
    const twice = afterEnd(afterEnd(noRestarts, undefined, chance, 3).state, undefined, chance, 3).state;
    const served = afterEnd(twice, 10, chance, 3);
    expect(served).toMatchObject({ givesUp: false, state: { failedStarts: 0, isGivenUp: false, failures: 3 } });
    const givenUp = { failures: 9, failedStarts: 9, isGivenUp: true };
    expect(afterEnd(givenUp, 10, chance, 3).state.isGivenUp).toBe(false);
  });

  test('an engine that serves and crashes again and again is never given up, only restarted later', () => {
    let state = noRestarts;
    for (let launch = 0; launch < 20; launch++) {
      const decision = afterEnd(state, 1_000, certain, 2);
      expect(decision.givesUp).toBe(false);
      state = decision.state;
    }
    expect(afterEnd(state, 1_000, certain, 2).waitMs).toBe(16_000);
  });

  test('a new machine is no help against a configuration', () => {
    expect(certain).toMatchObject({ restartHelps: false, newMachineHelps: false });
    expect(failureCause('gpu-error', false)).toMatchObject({ restartHelps: true, newMachineHelps: true });
    // A suspicion must not stop anything.
    expect(failureCause('bad-arguments', true)).toMatchObject({ restartHelps: true, newMachineHelps: true });
  });
});

describe('the phases of a start', () => {
  /** Feeds lines at given seconds. */
  function phases(
    lines: readonly (readonly [second: number, line: string])[],
    readyAt: number,
  ): Record<string, number> {
    const timeline = new StartupTimeline(0);
    for (const [second, line] of lines) {
      const event = parseLifeLine(line);
      if (event !== undefined) timeline.observe(event, second * 1_000);
    }
    timeline.finish(readyAt * 1_000);
    return Object.fromEntries(timeline.times(1e9).map(({ name, seconds }) => [name, seconds]));
  }

  test('the log of a real server, each line at the time that it prints', () => {
    const log = readFileSync(path.join(import.meta.dirname, '../fixtures/sglang-real-0.5.23/server.log'), 'utf8');
    const secondOf = (line: string) => {
      const match = /^\[2026-11-22 (\d\d):(\d\d):(\d\d)/.exec(line);
      return match && Number(match[1]) * 3_600 + Number(match[2]) * 60 + Number(match[3]);
    };
    // Launched a second before its first dated line, 02:36:22; ready at 02:40:36.
    const launchedAt = (2 * 60 + 36) * 60 + 21;
    let second = 0;
    const lines = log.split('\n').map((line) => {
      second = (secondOf(line) ?? launchedAt + second) - launchedAt;
      return [second, line] as const;
    });
    expect(phases(lines, 255)).toEqual({
      launch: 233,
      'distributed-init': 0,
      other: 17,
      'load-weight': 0,
      'kv-cache': 2,
      'http-server': 1,
      'warm-up': 2,
    });
  });

  test('add up to the whole, with a draft model and eight ranks', () => {
    const ranks = Array.from({ length: 8 }, (_, rank) => rank);
    const each = (second: number, message: string) =>
      ranks.map((rank) => [second + rank / 10, `[2026-11-22 02:40:31 TP${rank}] ${message}`] as const);
    const lines = [
      ...each(10, 'Init torch distributed begin.'),
      ...each(12, 'Load weight begin. avail mem=75.51 GB'),
      ...each(30, 'Load weight end. elapsed=18 s, type=X, avail mem=1 GB'),
      ...each(31, 'Memory pool end. avail mem=23.46 GB'),
      ...each(31.5, 'Capture cuda graph begin. This can take up to several minutes.'),
      ...each(40, 'Capture cuda graph end. Time elapsed: 8.5 s'),
      ...each(40, 'Load weight begin. avail mem=11.13 GB'),
      ...each(45, 'Load weight end. type=Draft, avail mem=10.20 GB'),
      ...each(46, 'Memory pool end. avail mem=8.49 GB'),
      [50, '[2026-11-22 02:40:31] INFO:     Started server process [1]'] as const,
      [51, '[2026-11-22 02:40:31] INFO:     Uvicorn running on http://0.0.0.0:1 (Press CTRL+C to quit)'] as const,
    ];
    const seconds = phases(lines, 60);
    expect(seconds).toEqual({
      launch: 10,
      'distributed-init': 2,
      'load-weight': 18 + 5,
      'kv-cache': 1 + 1,
      other: 0.5 + 4,
      'graph-capture': 8.5,
      'http-server': 1,
      'warm-up': 9,
    });
    expect(Object.values(seconds).reduce((sum, value) => sum + value, 0)).toBe(60);
  });

  test('the current phase grows until the start is over', () => {
    const timeline = new StartupTimeline(1_000);
    expect(timeline.times(3_000)).toEqual([{ name: 'launch', seconds: 2 }]);
    timeline.observe(parseLifeLine('Load weight begin. avail mem=1 GB')!, 4_000);
    expect(timeline.times(4_500)).toEqual([
      { name: 'launch', seconds: 3 },
      { name: 'load-weight', seconds: 0.5 },
    ]);
    timeline.finish(5_000);
    expect(timeline.times(9_000)[1]).toEqual({ name: 'load-weight', seconds: 1 });
  });
});
