import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { EngineWatch } from '../../../runtime/log-monitor/watch/engine-watch.ts';
import { getText } from '../../../runtime/log-monitor/watch/get-text.ts';
import { createLogger } from '../../../runtime/shared/log.ts';
import { until } from '../../support/poll.ts';

interface Answer {
  readonly status?: number;
  readonly body: string;
}

/** What the engine answers by path; a path that is not here is a 404. */
let answers: Map<string, Answer>;
let asked: { path: string; authorization: string | undefined }[];
let server: Server;
let url: string;
let watch: EngineWatch | undefined;
let lines: string[];

beforeEach(async () => {
  answers = new Map();
  asked = [];
  lines = [];
  server = createServer(({ url: path, headers }, response) => {
    asked.push({ path: path!, authorization: headers.authorization });
    const { status = 200, body } = answers.get(path!.split('?')[0]!) ?? { status: 404, body: '{"detail":"Not Found"}' };
    response.writeHead(status).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  await watch?.stop();
  watch = undefined;
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function startWatch(apiKey?: string): EngineWatch {
  const log = createLogger({ service: 'test', write: (line) => lines.push(line) });
  watch = new EngineWatch({ url, apiKey, sampleMs: 5, log });
  watch.start();
  return watch;
}

const loads = (running: number) => ({
  body: JSON.stringify({ loads: [{ num_running_reqs: running, num_waiting_reqs: 1, max_running_requests: 32 }] }),
});
const askedFor = (path: string) => asked.filter((request) => request.path.startsWith(path)).length;

describe('an engine that answers', () => {
  test('is looked at again and again; what was seen is handed over once', async () => {
    answers.set('/v1/loads', loads(3));
    answers.set('/metrics', { body: 'sglang:num_running_reqs{model_name="m"} 3\n' });
    const watched = startWatch();
    await until('three looks at the load', () => askedFor('/v1/loads') > 3);
    const first = await watched.collect();
    expect(first).toMatchObject({
      isAnswering: true,
      maxRunningRequests: 32,
      model: 'm',
      look: { metrics: { runningRequests: 3 } },
    });
    expect(first.look.loads.length).toBeGreaterThanOrEqual(3);
    expect(first.look.loads[0]).toMatchObject({ runningRequests: 3, queuedRequests: 1 });
    await watched.stop();
    const rest = await watched.collect();
    expect(rest.look.loads.length).toBeLessThanOrEqual(1);
  });

  test('of 0.5.0 to 0.5.7 is asked by the old path', async () => {
    answers.set('/get_load', { body: '[{"num_reqs": 5, "num_waiting_reqs": 2}]' });
    const watched = startWatch();
    const window = await until('a load', async () => {
      const seen = await watched.collect();
      return seen.look.loads.length > 0 && seen;
    });
    expect(window.look.metrics).toBe('missing');
    expect(window.look.loads[0]).toMatchObject({ runningRequests: 3, queuedRequests: 2 });
  });

  test('and has a key is shown it, and the log is not', async () => {
    answers.set('/v1/loads', loads(1));
    const watched = startWatch('sk-top-secret');
    await until('a look', () => askedFor('/v1/loads') > 0);
    await watched.collect();
    expect(new Set(asked.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer sk-top-secret']));
    expect(lines.join()).not.toContain('sk-top-secret');
  });
});

describe('an engine that answers something else', () => {
  test.each<[string, Answer]>([
    ['garbage', { body: '<html>502 Bad Gateway</html>' }],
    ['nothing', { body: '' }],
    ['a refusal', { status: 401, body: '{"error":"Unauthorized"}' }],
    ['a failure', { status: 500, body: 'Internal Server Error' }],
    ['JSON of another shape', { body: '{"loads": [{"num_running_reqs": "3"}]}' }],
  ])('%s: it answers, and says nothing', async (_, answer) => {
    answers.set('/v1/loads', answer);
    answers.set('/metrics', answer);
    const watched = startWatch();
    await until('two looks', () => askedFor('/v1/loads') > 1);
    expect(await watched.collect()).toMatchObject({
      isAnswering: true,
      look: { loads: [], metrics: 'missing' },
      maxRunningRequests: null,
    });
  });

  test('is told once for each change, not for each look', async () => {
    answers.set('/v1/loads', { body: 'garbage' });
    const watched = startWatch();
    await until('some looks', () => askedFor('/v1/loads') > 3);
    await watched.collect();
    answers.set('/v1/loads', loads(1));
    await until('it is read', () => lines.some((line) => line.includes('"outcome":"read"')));
    expect(lines.filter((line) => line.includes('"source":"loads"'))).toHaveLength(2);
  });
});

test('an engine that does not run is known not to', async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  const watched = startWatch();
  expect(await watched.collect()).toMatchObject({ isAnswering: false, look: { loads: [], metrics: 'refused' } });
  server.listen(Number(new URL(url).port), '127.0.0.1');
  await once(server, 'listening');
});

describe('a GET', () => {
  const limits = { timeoutMs: 5_000, maxBytes: 1_000 };

  test('that takes too long is given up', async () => {
    server.removeAllListeners('request').on('request', (_request, response) => response.writeHead(200).write('a'));
    expect(await getText(url, { ...limits, timeoutMs: 50 })).toEqual({
      kind: 'failed',
      reason: 'no answer within 50 ms',
    });
  });

  test('whose answer is too long is given up', async () => {
    answers.set('/', { body: 'x'.repeat(100_000) });
    expect(await getText(`${url}/`, limits)).toEqual({
      kind: 'failed',
      reason: 'the answer is longer than 1000 bytes',
    });
  });

  test('whose answer breaks off is no answer', async () => {
    server.removeAllListeners('request').on('request', (_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('sglang:num_running_reqs 3\n', () => response.destroy());
    });
    expect(await getText(url, limits)).toMatchObject({ kind: 'failed' });
  });

  test('ends with its signal', async () => {
    server.removeAllListeners('request');
    const stopping = new AbortController();
    const asking = getText(url, { ...limits, signal: stopping.signal });
    stopping.abort(new Error('enough'));
    await expect(asking).rejects.toThrow('enough');
  });
});
