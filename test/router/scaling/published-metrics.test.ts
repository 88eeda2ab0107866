import path from 'node:path';
import { FakeCloud } from '../../support/cloud/fake-cloud.ts';
import { type EmfLine, emfValues, readEmfFile } from '../../support/emf-file.ts';
import { eventually } from '../../support/eventually.ts';
import { type StartedProcess, startFleetCommand } from '../../support/process.ts';
import { runFleet } from '../../support/run-fleet.ts';
import { type Script, sendJson, sse, startScriptedEngine } from '../../support/scripted-engine.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const prompt = 'word '.repeat(4_000);

/** Streams where it is asked to, refuses what says so, else answers. */
const script: Script = (response, { body }) => {
  if (body.includes('refuse me')) sendJson(response, { message: 'no' }, 400);
  else if (body.includes('"stream":true')) {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(sse({ choices: [{ index: 0, delta: { content: 'a' } }] }, '[DONE]'));
  } else sendJson(response, { choices: [] });
};

async function urlOf(router: StartedProcess): Promise<string> {
  return (await router.waitForLine(/"msg":"router listening","url":"([^"]+)"/))[1]!;
}

test('a router tells CloudWatch what its clients waited for, and nothing about their prompts', async () => {
  await using cloud = await FakeCloud.start();
  cloud.createGroup();
  await using folder = await temporaryDirectory();
  await using one = await startScriptedEngine(script);
  await using other = await startScriptedEngine(script);
  const machine = await cloud.launch({ group: null });
  const emfFile = path.join(folder.path, 'metrics');
  await using router = startFleetCommand(
    [
      ...['router', '--port', '0', '--worker-url', `${one.url},${other.url}`, '--policy', 'round-robin'],
      ...['--asg', 'fleet-workers', '--metric-namespace', 'Test/Fleet', '--emf-file', emfFile],
    ],
    { env: machine.environment },
  );
  const url = await urlOf(router);
  await eventually(async () => {
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ workers: { ready: 2 } });
  });
  const ask = async (content: string, extra: object = {}) => {
    const body = JSON.stringify({ model: 'scripted', messages: [{ role: 'user', content }], ...extra });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body });
    await response.arrayBuffer();
    return response.status;
  };
  // The same prompt on one worker, then on the other, which has to compute all of it again.
  expect([await ask(prompt), await ask(prompt)]).toEqual([200, 200]);
  expect([await ask('hello', { stream: true }), await ask('refuse me', { stream: true })]).toEqual([200, 400]);

  const page = await (await fetch(`${url}/metrics`)).text();
  const totalOf = (name: string) => Number(page.match(new RegExp(`^${name} (\\S+)`, 'm'))?.[1]);
  const regretShare = totalOf('fleet_router_regret_tokens_total') / totalOf('fleet_router_routed_prompt_tokens_total');
  expect(regretShare).toBeGreaterThan(0.45);
  expect(regretShare).toBeLessThan(0.5);

  router.signal('SIGTERM');
  expect((await router.waitForExit()).code).toBe(0);
  const lines = readEmfFile(emfFile);
  const definitions = lines.flatMap(({ _aws }) => _aws.CloudWatchMetrics);
  for (const { Namespace, Dimensions } of definitions) {
    expect([Namespace, Dimensions]).toEqual(['Test/Fleet', [['AutoScalingGroupName']]]);
  }
  for (const line of lines) expect(line).toMatchObject({ AutoScalingGroupName: 'fleet-workers' });
  expect(lines.map((line: EmfLine) => line['router'])).toContainEqual(expect.stringMatching(/-\d+$/));
  expect(emfValues(lines, 'QueueTime')).toEqual([0, 0, 0, 0]);
  // Of the two streams one was refused, which is no first token.
  expect(emfValues(lines, 'ClientTimeToFirstToken')).toHaveLength(1);
  expect(emfValues(lines, 'HitRateRegret').sort()).toEqual([0, 0, 0, expect.closeTo(0.97, 1)]);
  expect(new Set(emfValues(lines, 'HeldRequests'))).toEqual(new Set([0]));
  expect(new Set(emfValues(lines, 'RejectedRequests'))).toEqual(new Set([0]));
  expect(JSON.stringify(lines)).not.toContain('word');
});

test('metrics without a group have no name to go by', async () => {
  const run = await runFleet(['router', '--port', '0', '--publish', 'print']);
  expect(run.code).toBe(1);
  expect(run.stdout).toContain('--publish print needs --asg');
});

test('a way to publish that does not exist is a usage error that names those that do', async () => {
  const run = await runFleet(['router', '--asg', 'x', '--publish', 'carrier-pigeon']);
  expect(run.code).toBe(1);
  expect(run.stderr).toMatch(/none, mixed, put, emf, print/);
});
