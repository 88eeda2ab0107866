import { readFileSync } from 'node:fs';
import type { EngineServer } from '../../../runtime/engine-sim/server.ts';
import { exchangeRaw, getBytes, RawConnection, type RawResponse } from '../support/raw-http.ts';
import { capturedResponse, scenarioNames } from './captures.ts';
import { deliberateDifferences, renderDifferences } from './deliberate-differences.ts';
import { replayScenarios } from './replay-scenarios.ts';
import { startCapturedEngine } from './start-captured-engine.ts';
import { wireShape } from './wire-shape.ts';

let server: EngineServer;
let responses: Map<string, RawResponse>;

beforeAll(async () => {
  const engine = await startCapturedEngine(() => {});
  server = engine.server;
  responses = await replayScenarios(engine.target);
}, 60_000);

afterAll(() => server.close());

test('there are captures, and each was replayed', () => {
  expect(scenarioNames.length).toBe(109);
  expect([...responses.keys()].sort()).toEqual([...scenarioNames].sort());
});

test.each(scenarioNames)('%s is answered as SGLang answers it', (name) => {
  const isAborted = name.startsWith('aborted_');
  const captured = wireShape(capturedResponse(name), isAborted);
  const simulated = wireShape(responses.get(name)!, isAborted);
  const difference = deliberateDifferences.find(({ scenarios }) => scenarios.includes(name));
  if (difference === undefined) {
    expect(simulated).toEqual(captured);
  } else {
    // A difference that is not there any more has no business in the table.
    expect(simulated).not.toEqual(captured);
    expect(difference.reconcile(simulated)).toEqual(difference.reconcile(captured));
  }
});

test.each(scenarioNames)('%s is complete and its length is what the head says', (name) => {
  // The captured headers stand for a HEAD answer's length, which has no body.
  if (name === 'head_root') expect(responses.get(name)!.body).toBe('');
  else expect(responses.get(name)!.isComplete).toBe(true);
});

test.each([
  ['chat_nonstream_1', 0],
  ['chat_nonstream_2_same_prefix', 1],
])('%s finds as much of its prompt in the cache as with SGLang', (name, uncachedAtMost) => {
  const usage = (response: RawResponse) => JSON.parse(response.body).usage;
  for (const { prompt_tokens: prompt, prompt_tokens_details: details } of [
    usage(capturedResponse(name)),
    usage(responses.get(name)!),
  ]) {
    expect(details.cached_tokens).toBe(uncachedAtMost === 0 ? 0 : prompt - uncachedAtMost);
  }
});

test('a GET with keep-alive carries no connection header, as with uvicorn', async () => {
  const connection = new RawConnection(server.port);
  connection.send(getBytes('/ping', 'keep-alive'));
  const text = await connection.until((sofar) => sofar.includes('\r\n\r\n'));
  connection.destroy();
  expect(text).toMatch(
    /^HTTP\/1\.1 200 OK\r\ndate: [^\r]+\r\nserver: uvicorn\r\ncontent-length: 0\r\nvary: Origin\r\n\r\n$/,
  );
});

test('two requests on one connection are answered in order', async () => {
  const connection = new RawConnection(server.port);
  connection.send(getBytes('/ping', 'keep-alive') + getBytes('/nope'));
  const text = (await connection.untilEnd()).toString();
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404']);
  const again = await exchangeRaw(server.port, getBytes('/ping'));
  expect(again.status).toBe(200);
});

test('docs/simulator.md lists every deliberate difference', () => {
  const docs = readFileSync(new URL('../../../docs/simulator.md', import.meta.url), 'utf8');
  expect(docs).toContain(renderDifferences());
});
