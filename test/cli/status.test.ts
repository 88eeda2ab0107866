import { stripVTControlCharacters } from 'node:util';
import { duration, significant } from '../../runtime/cli/quantity.ts';
import { renderStatus } from '../../runtime/cli/status-view.ts';
import type { FleetView, WorkerView } from '../../runtime/shared/protocol.ts';
import { startFleetCommand } from '../support/process.ts';
import { runFleet } from '../support/run-fleet.ts';
import { startScriptedServer, unusedUrl } from '../support/scripted-openai-server.ts';

const worker: WorkerView = {
  id: '10.0.0.5:7999',
  url: 'http://10.0.0.5:7999',
  model: 'sim',
  state: 'ready',
  sources: ['runner'],
  runnerId: 'worker-1',
  instanceId: null,
  inFlightRequests: 3,
  inFlightTokens: 4_000,
  completedRequests: 1_234,
  failedRequests: 2,
  prefillTokensPerSecond: 8_012.4,
  tokenHitRate: 0.256,
  load: { runningRequests: 3, waitingRequests: 1, usedTokens: 50_000, maxTotalTokens: 200_000 },
  lastHeartbeatAgeSeconds: 4.2,
};
const idle: WorkerView = {
  ...worker,
  id: '10.0.0.6:7999',
  runnerId: null,
  state: 'starting',
  model: null,
  prefillTokensPerSecond: null,
  tokenHitRate: null,
  load: null,
  lastHeartbeatAgeSeconds: null,
};
const fleet: FleetView = {
  coordinatorId: 'host-17',
  version: '0.1.0',
  policy: 'predicted-ttft',
  uptimeSeconds: 3_725,
  workers: [worker, idle],
};

test('the table has a headline and a row per worker, with dashes for what is not known', () => {
  expect(stripVTControlCharacters(renderStatus(fleet))).toBe(
    `router host-17 0.1.0  ·  policy predicted-ttft  ·  up 1 h 02 min  ·  1 of 2 workers ready  ·  6 in flight  ·  2,468 done  ·  4 failed

WORKER         RUNNER    STATE     MODEL  IN FLIGHT  RUN/WAIT  KV USE  HIT RATE  PREFILL TOK/S   DONE  FAILED  HEARTBEAT
10.0.0.5:7999  worker-1  ready     sim            3       3/1  25.0 %    25.6 %          8,012  1,234       2        4 s
10.0.0.6:7999  -         starting  -              3         -       -         -              -  1,234       2          -`,
  );
});

test('names from the network cannot move the cursor or forge a row', () => {
  const rendered = renderStatus({ ...fleet, workers: [{ ...worker, id: 'evil\x1b[2J\nworker-9  ready' }] });
  expect(rendered).toContain('evil[2J worker-9 ready');
  expect(rendered.split('\n')).toHaveLength(4);
});

test('a fleet without workers says so', () => {
  expect(renderStatus({ ...fleet, workers: [] })).toContain('No workers yet');
});

test('durations read in their two largest units, figures in three digits', () => {
  expect([0.4, 59, 65, 3_599, 7_260, 200_000].map(duration)).toEqual([
    '0 s',
    '59 s',
    '1 min 05 s',
    '59 min 59 s',
    '2 h 01 min',
    '2 d 7 h',
  ]);
  expect([0, 0.02134, 1.339, 48.94, 1_023.6, null].map(significant)).toEqual([
    '0',
    '0.0213',
    '1.34',
    '48.9',
    '1,024',
    '-',
  ]);
});

test('fleet status asks the router of FLEET_URL and prints the table, or JSON', async () => {
  await using server = await startScriptedServer({ documents: { '/api/fleet': fleet } });
  const env = { FLEET_URL: server.url };
  const table = await runFleet(['status'], { env });
  expect(table).toMatchObject({ code: 0, stderr: '', stdout: `${stripVTControlCharacters(renderStatus(fleet))}\n` });
  const json = await runFleet(['status', '--json'], { env });
  expect(JSON.parse(json.stdout)).toEqual(fleet);
});

test('without a router fleet status says where it looked and what to do', async () => {
  const run = await runFleet(['status', '--url', await unusedUrl()]);
  expect(run).toMatchObject({ code: 1, stdout: '' });
  expect(run.stderr).toMatch(
    /^fleet status: nothing answers at http:\/\/127\.0\.0\.1:\d+ .*ECONNREFUSED.*\n.*npm start.*\n$/,
  );
});

test('a server that is not a router is told apart from one that is down', async () => {
  await using server = await startScriptedServer();
  const run = await runFleet(['status', '--url', server.url]);
  expect(run.code).toBe(1);
  expect(run.stderr).toContain('/api/fleet did not answer like a fleet router (status 404)');
});

test('fleet status --watch keeps looking and outlives the router', async () => {
  const server = await startScriptedServer({ documents: { '/api/fleet': fleet } });
  await using watch = startFleetCommand(['status', '--watch', '--url', server.url]);
  await watch.waitForLine(/worker-1 +ready/);
  await server[Symbol.asyncDispose]();
  await watch.waitForLine(/nothing answers at/);
  watch.signal('SIGINT');
  expect(await watch.waitForExit()).toEqual({ code: 0, signal: null });
});
