import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parseLogLine } from '../../runtime/log-monitor/parse-line.ts';

const at = '[2026-11-22 02:40:31 TP0]';
const stamp = { time: '2026-11-22 02:40:31', rank: { TP: 0 } };

describe('start-up', () => {
  test.each([
    ['Init torch distributed begin.', { kind: 'startup-phase', phase: 'distributed-init', state: 'begin' }],
    [
      'Init parallel ends. elapsed=0.23 s',
      { kind: 'startup-phase', phase: 'distributed-init', state: 'end', elapsedSeconds: 0.23 },
    ],
    [
      'Load weight begin. avail mem=75.51 GB',
      { kind: 'startup-phase', phase: 'load-weight', state: 'begin', availableMemoryGb: 75.51 },
    ],
    [
      'Load weight end. elapsed=0.12 s, type=LlamaForCausalLM, avail mem=19.11 GB, mem usage=0.01 GB.',
      {
        kind: 'startup-phase',
        phase: 'load-weight',
        state: 'end',
        elapsedSeconds: 0.12,
        availableMemoryGb: 19.11,
      },
    ],
    [
      'KV Cache is allocated. dtype: torch.float32, #tokens: 20000, K size: 0.01 GB, V size: 0.02 GB',
      { kind: 'kv-cache-allocated', tokens: 20000, keyGb: 0.01, valueGb: 0.02 },
    ],
    [
      'KV Cache is allocated. K size: 21.25 GB, V size: 21.25 GB.',
      { kind: 'kv-cache-allocated', keyGb: 21.25, valueGb: 21.25 },
    ],
    [
      'Memory pool end. avail mem=23.46 GB',
      { kind: 'startup-phase', phase: 'kv-cache', state: 'end', availableMemoryGb: 23.46 },
    ],
    [
      'Capture cuda graph begin. This can take up to several minutes. avail mem=13.56 GB',
      { kind: 'startup-phase', phase: 'graph-capture', state: 'begin', availableMemoryGb: 13.56 },
    ],
    [
      'Capture cuda graph end. Time elapsed: 12.18 s',
      { kind: 'startup-phase', phase: 'graph-capture', state: 'end', elapsedSeconds: 12.18 },
    ],
    [
      'Entering DeepGEMM JIT Pre-Compile session. It may take a long time',
      { kind: 'startup-phase', phase: 'jit-compile', state: 'begin' },
    ],
    [
      'max_total_num_tokens=20000, chunked_prefill_size=-1, max_running_requests=2048, available_gpu_mem=22.11 GB',
      {
        kind: 'capacity',
        values: {
          max_total_num_tokens: 20000,
          chunked_prefill_size: -1,
          max_running_requests: 2048,
          available_gpu_mem: 22.11,
        },
      },
    ],
    [
      'Engine startup timings (s): load_weight=0.12, cuda_graph={prefill=0.50, decode=1.00}, tokenizer_e2e=233.69',
      { kind: 'startup-timings', seconds: { load_weight: 0.12, prefill: 0.5, decode: 1, tokenizer_e2e: 233.69 } },
    ],
    ["server_args={'api_key': 'secret', 'model_path': 'm'}", { kind: 'server-args' }],
    ['INFO:     Started server process [14839]', { kind: 'http-server', stage: 'process-started' }],
    [
      'INFO:     Uvicorn running on http://0.0.0.0:1 (Press CTRL+C to quit)',
      { kind: 'http-server', stage: 'listening' },
    ],
    ['The server is fired up and ready to roll!', { kind: 'ready', mode: 'serving' }],
    ['End of disaggregation warmup', { kind: 'ready', mode: 'disaggregation' }],
  ])('%s', (message, event) => {
    expect(parseLogLine(`${at} ${message}`)).toEqual({ ...event, ...stamp });
  });

  test('a captured progress bar counts with its last state', () => {
    const line =
      'Loading safetensors checkpoint shards:  20% Completed | 1/5 [00:01<00:04,  1.0s/it]\r' +
      'Loading safetensors checkpoint shards:  40% Completed | 2/5 [00:02<00:03,  1.0s/it]\r';
    expect(parseLogLine(line)).toEqual({
      kind: 'startup-progress',
      phase: 'load-weight',
      done: 2,
      total: 5,
      time: null,
      rank: {},
    });
  });

  test('a bar of graph capture', () => {
    expect(
      parseLogLine('Capturing batches (bs=16 avail_mem=13.56 GB):  17%|█▋        | 1/6 [00:16<01:22, 16.57s/it]'),
    ).toEqual({ kind: 'startup-progress', phase: 'graph-capture', done: 1, total: 6, time: null, rank: {} });
  });
});

describe('pressure, drain and requests', () => {
  test.each([
    [
      'KV cache pool is full. Retract requests. #retracted_reqs: 3, #new_token_ratio: 0.4512 -> 0.9000',
      { kind: 'retraction', requests: 3, newTokenRatio: { before: 0.4512, after: 0.9 } },
    ],
    [
      'Decode out of memory happened. #retracted_reqs: 1, #new_token_ratio: 0.6 -> 0.7',
      { kind: 'retraction', requests: 1, newTokenRatio: { before: 0.6, after: 0.7 } },
    ],
    ["Health check failed. Server couldn't get a response from detokenizer", { kind: 'health-check-failed' }],
    [
      'SIGTERM received. signum=None frame=None. Draining requests and shutting down...',
      { kind: 'drain', stage: 'started' },
    ],
    [
      "Gracefully exiting... Remaining number of requests 2. Remaining requests remaining_rids=['a', 'b'].",
      { kind: 'drain', stage: 'waiting', remainingRequests: 2 },
    ],
    ['Cache flushed successfully!', { kind: 'cache-flushed' }],
    ["Received output for rid='x' but the state was deleted in TokenizerManager.", { kind: 'orphaned-output' }],
    ["Decode transfer failed for request rank=0 decode_req.req.rid='7'", { kind: 'transfer-failed' }],
    [
      'INFO:     127.0.0.1:50506 - "GET /v1/loads?include=core HTTP/1.1" 200 OK',
      { kind: 'access', method: 'GET', path: '/v1/loads', status: 200 },
    ],
    [
      'INFO:     127.0.0.1:32772 - "PRI %2A HTTP/2.0" 404 Not Found',
      { kind: 'access', method: 'PRI', path: '%2A', status: 404 },
    ],
  ])('%s', (message, event) => {
    expect(parseLogLine(`${at} ${message}`)).toEqual({ ...event, ...stamp });
  });

  test('an access line cut before its status says nothing', () => {
    expect(parseLogLine(`${at} INFO:     127.0.0.1:37664 - "POST /v1/completions HTTP/1.1"`)).toBeUndefined();
  });
});

describe('crashes', () => {
  test.each([
    ['torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.', 'gpu-out-of-memory', true],
    ['RuntimeError: CUDA error: an illegal memory access was encountered', 'gpu-error', true],
    ['torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:77', 'nccl', true],
    ['Scheduler hit an exception: Traceback (most recent call last):', 'engine-exception', true],
    ['Scheduler watchdog timeout (self.watchdog_timeout=300, self.soft=False)', 'watchdog', true],
    ['Scheduler watchdog timeout (self.watchdog_timeout=60, self.soft=True)', 'watchdog', false],
    ['Initialization failed. warmup error: Traceback', 'warmup-failed', true],
    ['launch_server.py: error: unrecognized arguments: --tp-sizes 2', 'bad-arguments', true],
    ["launch_server.py: error: argument --tp-size: invalid int value: 'two'", 'bad-arguments', true],
    ['OSError: x/y is not a local folder and is not a valid model identifier listed on', 'model-not-found', true],
    [
      "[Errno 98] error while attempting to bind on address ('0.0.0.0', 7999): address already in use",
      'port-in-use',
      true,
    ],
    ['SIGQUIT received. signum=None, frame=None. It usually means one child failed.', 'child-died', true],
  ])('%s', (line, crashClass, isFatal) => {
    expect(parseLogLine(line)).toEqual({ kind: 'crash', crashClass, isFatal, time: null, rank: {} });
  });

  test.each([
    ['Subprocess scheduler_0 (pid=77) crashed with exit code -6.', 'child-died', -6],
    ['Subprocess scheduler_0 (pid=77) crashed with exit code -9.', 'host-out-of-memory', -9],
    ['Child process unexpectedly failed with exitcode=-9. pid=12', 'host-out-of-memory', -9],
    ['Child process unexpectedly failed with an exit code 9. pid=12', 'host-out-of-memory', 9],
    ['Rank 0 scheduler died during initialization (exit code: -9). If OOM', 'host-out-of-memory', -9],
  ])('%s', (line, crashClass, exitCode) => {
    expect(parseLogLine(line)).toEqual({ kind: 'crash', crashClass, isFatal: true, exitCode, time: null, rank: {} });
  });
});

test('the log of a real 0.5.23 server, start to SIGTERM', () => {
  const log = readFileSync(`${import.meta.dirname}/../fixtures/sglang-real-0.5.23/server.log`, 'utf8');
  const counts: Record<string, number> = {};
  for (const line of log.split('\n')) {
    const kind = parseLogLine(line)?.kind;
    if (kind !== undefined) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  // Counted with grep on the file.
  expect(counts).toMatchObject({
    'server-args': 1,
    'startup-phase': 5,
    'kv-cache-allocated': 1,
    capacity: 1,
    'startup-timings': 1,
    'http-server': 6,
    ready: 1,
    prefill: 96,
    decode: 130,
    drain: 10,
  });
  expect(counts['crash']).toBeUndefined();
});
