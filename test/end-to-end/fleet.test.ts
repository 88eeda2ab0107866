import path from 'node:path';
import OpenAI from 'openai';
import { replayTrace } from '../../runtime/cli/replay/replay.ts';
import { renderReport } from '../../runtime/cli/replay/report.ts';
import { loadTrace } from '../../runtime/cli/replay/trace.ts';
import { fetchFleet } from '../../runtime/cli/status.ts';
import { callJson } from '../../runtime/shared/call-json.ts';
import { until } from '../support/poll.ts';
import { runFleet } from '../support/run-fleet.ts';
import { StartedFleet } from '../support/started-fleet.ts';

const timeScale = 10;
const trace = path.join(import.meta.dirname, '../../traces/mooncake-conversation-2000.jsonl.gz');
const model = 'simulated-model';
const messages = [{ role: 'user', content: 'Say hello to the workers.' }] as const;

let fleet: StartedFleet;
let client: OpenAI;

beforeAll(async () => {
  fleet = await StartedFleet.start({ args: ['--workers', '3', '--time-scale', String(timeScale)] });
  client = new OpenAI({ baseURL: `${fleet.url}/v1`, apiKey: 'any', maxRetries: 0 });
});
afterAll(() => fleet?.[Symbol.asyncDispose]());

const post = (route: string, body: string) =>
  fetch(fleet.url + route, { method: 'POST', headers: { 'content-type': 'application/json' }, body });

async function inFlightRequests(): Promise<number> {
  const { workers } = await fetchFleet({ url: fleet.url });
  return workers.reduce((total, worker) => total + worker.inFlightRequests, 0);
}

/** Requests that the engines themselves say they run or hold in their queues. */
async function engineRequests(): Promise<number> {
  const { workers } = await fetchFleet({ url: fleet.url });
  const answers = await Promise.all(workers.map((worker) => callJson(`${worker.url}/v1/loads`)));
  const loads = answers.flatMap((answer) => (answer as { loads: Record<string, number>[] }).loads);
  return loads.reduce((total, load) => total + load['num_running_reqs']! + load['num_waiting_reqs']!, 0);
}

describe('the official OpenAI client', () => {
  test('gets a chat completion with usage and the headers that name worker and request', async () => {
    const { data, response } = await client.chat.completions
      .create({ model, messages: [...messages], max_tokens: 12 })
      .withResponse();
    expect(data.choices[0]?.message.content).toMatch(/\w/);
    expect(data.usage?.completion_tokens).toBeLessThanOrEqual(12);
    expect(data.usage?.total_tokens).toBe(data.usage!.prompt_tokens + data.usage!.completion_tokens);
    const { workers } = await fetchFleet({ url: fleet.url });
    expect(workers.map((worker) => worker.id)).toContain(response.headers.get('x-fleet-worker'));
    expect(response.headers.get('x-fleet-request-id')).toMatch(/\S/);
  });

  test('streams the same text that it gets in one piece, and usage at the end', async () => {
    const question = { model, messages: [...messages], max_tokens: 20, temperature: 0 };
    const whole = await client.chat.completions.create(question);
    const stream = await client.chat.completions.create({
      ...question,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      usage = chunk.usage;
    }
    expect(text).toBe(whole.choices[0]?.message.content);
    expect(usage?.completion_tokens).toBe(whole.usage?.completion_tokens);
  });

  test('gets completions, whole and streamed', async () => {
    const question = { model, prompt: 'The workers wait', max_tokens: 8 };
    const whole = await client.completions.create(question);
    let text = '';
    for await (const chunk of await client.completions.create({ ...question, stream: true })) {
      text += chunk.choices[0]?.text ?? '';
    }
    expect(text).toBe(whole.choices[0]?.text);
    expect(text).toMatch(/\w/);
  });

  test('lists the model, and a question asked again finds its prompt in the cache', async () => {
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual([model]);
    const question = { model, messages: [{ role: 'user', content: 'word '.repeat(4_000) }], max_tokens: 1 } as const;
    const ask = async () =>
      (await client.chat.completions.create({ ...question, messages: [...question.messages] })).usage!;
    await ask();
    const again = await ask();
    expect(again.prompt_tokens_details!.cached_tokens! / again.prompt_tokens).toBeGreaterThan(0.9);
  });

  test('sees the error that an engine answers as an error of its own', async () => {
    const question = { model, messages: [...messages], max_tokens: -1 };
    await expect(client.chat.completions.create(question)).rejects.toMatchObject({ status: 400 });
  });
});

describe('plain HTTP', () => {
  test('a body that is not JSON is a 400 in the OpenAI shape, with a request id', async () => {
    const response = await post('/v1/chat/completions', '{"model": "x", "messages": [');
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { message: expect.any(String), type: 'invalid_request_error', code: expect.any(String) },
    });
    expect(response.headers.get('x-fleet-request-id')).toMatch(/\S/);
  });

  test('a path that does not exist is a 404 in the OpenAI shape', async () => {
    const response = await post('/v1/no/such/path', '{}');
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { message: expect.stringContaining('/v1/no/such/path') } });
  });

  test('administration of the engines is not reachable', async () => {
    expect((await post('/flush_cache', '{}')).status).toBe(404);
  });

  test('/generate passes through with its native answer', async () => {
    const response = await post(
      '/generate',
      JSON.stringify({ text: 'Hello', sampling_params: { max_new_tokens: 3, ignore_eos: true } }),
    );
    expect(await response.json()).toMatchObject({ text: expect.any(String), meta_info: { completion_tokens: 3 } });
  });
});

test('a client that leaves in mid-stream frees the engine, not only the router', async () => {
  const stream = await client.chat.completions.create({
    model,
    messages: [...messages],
    max_tokens: 100_000,
    stream: true,
    ...{ ignore_eos: true },
  });
  for await (const chunk of stream) {
    if (!chunk.choices[0]?.delta.content) continue;
    expect([await inFlightRequests(), await engineRequests()]).toEqual([1, 1]);
    break;
  }
  // Leaving the loop aborted the request; by itself it would have run for minutes.
  await until('the router has nothing in flight', async () => (await inFlightRequests()) === 0);
  await until('no engine runs anything', async () => (await engineRequests()) === 0);
});

test('fleet status and fleet chat speak with the fleet', async () => {
  const env = { FLEET_URL: fleet.url };
  const status = await runFleet(['status'], { env });
  expect(status).toMatchObject({ code: 0, stdout: expect.stringContaining('3 of 3 workers ready') });
  const chat = await runFleet(['chat', '--message', 'Hello'], { env });
  expect(chat).toMatchObject({ code: 0, stdout: expect.stringMatching(/\w/) });
  expect(chat.stderr).toMatch(/127\.0\.0\.1:\d+ {2}· {2}first token/);
});

test('an engine that is killed during a replay costs no request that had not started, and comes back', async () => {
  const requests = await loadTrace(trace, 60);
  const victim = await fleet.workerHealth(2);
  let isKilled = false;
  const report = await replayTrace({
    url: fleet.url,
    requests,
    timeScale,
    maxOutputTokens: 60,
    onProgress: ({ completed }) => {
      if (completed < 10 || isKilled) return;
      isKilled = true;
      process.kill(victim.engine.pid!, 'SIGKILL');
    },
  });
  // Matched as text, so that a failure shows the whole report.
  expect(renderReport(report)).toMatch(/^completed \d+ +errors (0|\d+ \(0 before their first token\))$/m);
  expect(report.requests).toMatchObject({ sent: 60, wrongLength: 0 });
  expect(report.requests.completed + report.requests.failed).toBe(60);
  expect(isKilled).toBe(true);

  await until('the runner has a new engine', async () => {
    const { engine } = await fleet.workerHealth(2);
    return engine.state === 'ready' && engine.pid !== victim.engine.pid;
  });
  await until('every worker takes traffic again', async () => {
    const { workers } = await fetchFleet({ url: fleet.url });
    return workers.filter(({ state }) => state === 'ready').length === 3;
  });
  const after = await replayTrace({ url: fleet.url, requests, timeScale, maxOutputTokens: 10, seed: 1 });
  expect(after.requests).toMatchObject({ completed: 60, failed: 0 });
  // A stream that was opened with a heartbeat, before its engine answered, does not name its worker.
  expect(after.workers.filter(({ worker }) => worker !== null)).toHaveLength(3);
});
