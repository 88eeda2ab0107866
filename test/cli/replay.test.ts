import { replayTrace } from '../../runtime/cli/replay/replay.ts';
import { renderReport } from '../../runtime/cli/replay/report.ts';
import { type ReplayApi, replayApis } from '../../runtime/cli/replay/request-body.ts';
import type { TraceRequest } from '../../runtime/cli/replay/trace.ts';
import { type ScriptedAnswer, startScriptedServer } from '../support/scripted-openai-server.ts';

/** `count` requests, all due at once unless `everyMs` spreads them. */
function trace(count: number, everyMs = 0): TraceRequest[] {
  return Array.from({ length: count }, (_, index) => ({
    timestampMs: 1_000 + index * everyMs,
    inputTokens: 600,
    outputTokens: 2,
    blockIds: [0, index + 1],
  }));
}

test.each(replayApis)('every request of a trace is sent through the %s API and measured', async (api: ReplayApi) => {
  await using server = await startScriptedServer({
    answer: (_, index) => ({ worker: `worker-${index % 2}`, usage: { prompt: 600, cached: index === 0 ? 0 : 512 } }),
  });
  const report = await replayTrace({ url: server.url, requests: trace(4), api });
  expect(report).toMatchObject({
    api,
    model: 'scripted',
    requests: { planned: 4, sent: 4, completed: 4, failed: 0, interrupted: 0, wrongLength: 0, withoutUsage: 0 },
    errors: [],
    promptTokens: 2_400,
    cachedTokens: 1_536,
    outputTokens: 8,
    tokenHitRate: 0.64,
  });
  expect(report.ttftSeconds.count).toBe(4);
  expect(report.workers.map(({ worker, requests, share }) => [worker, requests, share])).toEqual([
    ['worker-0', 2, 0.5],
    ['worker-1', 2, 0.5],
  ]);
});

test('arrivals never wait for answers', async () => {
  const lastArrived = Promise.withResolvers<void>();
  await using server = await startScriptedServer({
    // No answer ends before the last request is there: a client that waited for one would never finish.
    answer: (_, index) => {
      if (index === 9) lastArrived.resolve();
      return { hold: lastArrived.promise };
    },
  });
  const report = await replayTrace({ url: server.url, requests: trace(10, 5) });
  expect(report.requests).toMatchObject({ sent: 10, completed: 10 });
});

test('every kind of error is counted and shown with an example, the others are measured', async () => {
  const answers: ScriptedAnswer[] = [
    {},
    { error: { status: 503, code: 'NO_READY_WORKER', message: 'No worker is ready.' } },
    { error: { status: 503, code: 'NO_READY_WORKER', message: 'No worker is ready.' } },
    { isCut: true },
    { errorEvent: { code: 503, message: 'The request queue is full.' } },
  ];
  await using server = await startScriptedServer({ answer: (_, index) => answers[index]! });
  const report = await replayTrace({ url: server.url, requests: trace(5) });
  expect(report.requests).toMatchObject({ sent: 5, completed: 1, failed: 4, failedBeforeFirstToken: 2 });
  expect(report.ttftSeconds.count).toBe(1);
  expect(report.errors[0]).toEqual({ kind: 'http 503 NO_READY_WORKER', count: 2, example: 'No worker is ready.' });
  expect(report.errors.map((error) => error.kind).sort()).toEqual([
    'ECONNRESET in the stream',
    'error event 503',
    'http 503 NO_READY_WORKER',
  ]);
  expect(renderReport(report)).toContain('2 x http 503 NO_READY_WORKER: No worker is ready.');
});

test('an answer past its time limit is an error and its connection is closed', async () => {
  await using server = await startScriptedServer({ answer: () => ({ hold: new Promise(() => {}) }) });
  const report = await replayTrace({ url: server.url, requests: trace(1), timeoutSeconds: 2, timeScale: 10 });
  expect(report.errors).toEqual([{ kind: 'timeout', count: 1, example: 'no complete answer within 0.2 s' }]);
});

test('stopping reports what was measured and cancels what is in flight', async () => {
  const stop = new AbortController();
  await using server = await startScriptedServer({
    answer: (_, index) => (index === 0 ? {} : { hold: new Promise(() => {}) }),
  });
  const report = await replayTrace({
    url: server.url,
    requests: trace(3, 3_600_000).with(1, { ...trace(2)[1]!, timestampMs: 1_000 }),
    signal: stop.signal,
    onProgress: ({ sent, completed }) => {
      if (sent === 2 && completed === 1) stop.abort();
    },
  });
  expect(report.requests).toMatchObject({ planned: 3, sent: 2, completed: 1, failed: 0, interrupted: 1 });
  expect(renderReport(report)).toMatch(/stopped after 2 of 3 requests.*1 cancelled in flight/s);
});

test('answers of another length than asked for are pointed out', async () => {
  await using server = await startScriptedServer({ answer: () => ({ words: ['only'] }) });
  const report = await replayTrace({ url: server.url, requests: trace(2) });
  expect(report.requests).toMatchObject({ completed: 2, wrongLength: 2 });
  const capped = await replayTrace({ url: server.url, requests: trace(2), maxOutputTokens: 1 });
  expect(capped.requests).toMatchObject({ completed: 2, wrongLength: 0 });
  expect(server.received.map(({ body }) => body['max_tokens'])).toEqual([2, 2, 1, 1]);
});

test('times are reported in engine time', async () => {
  await using server = await startScriptedServer();
  const report = await replayTrace({ url: server.url, requests: trace(2), timeScale: 1_000 });
  expect(renderReport(report)).toContain('All times are ENGINE time: engines run 1000 times faster than real time');
  // Two requests over a socket take well over a microsecond, and well under 1,000 s.
  expect(report.endToEndSeconds.p50).toBeGreaterThan(0.001);
  expect(report.durationSeconds).toBeGreaterThanOrEqual(report.endToEndSeconds.max!);
});

test('the API key is sent, and the model is asked for by name where there are several', async () => {
  await using server = await startScriptedServer({ models: ['one', 'two'] });
  const options = { url: server.url, requests: trace(1), apiKey: 'secret' };
  await expect(replayTrace(options)).rejects.toThrow('offers 2 models: one, two. Name one with --model.');
  await replayTrace({ ...options, model: 'two' });
  expect(server.received).toMatchObject([{ headers: { authorization: 'Bearer secret' }, body: { model: 'two' } }]);
});
