import path from 'node:path';
import { findFreePort } from '../../runtime/shared/process/free-port.ts';
import { FakeCloud } from '../support/cloud/fake-cloud.ts';
import { emfValues, readEmfFile } from '../support/emf-file.ts';
import { until } from '../support/poll.ts';
import { type StartedProcess, startFleetCommand } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const groupName = 'fleet-workers';
const maxSize = 3;
/** Of routers and engine: the router looks at the group every 0.75 s. */
const timeScale = '20';
/** An address of its own, so that the port is free there. */
const workerAddress = '127.77.0.1';

interface Router {
  readonly process: StartedProcess;
  readonly url: string;
  readonly emfFile: string;
}

let cloud: FakeCloud;
let enginePort: number;
let resources: AsyncDisposableStack;
beforeEach(async () => {
  resources = new AsyncDisposableStack();
  cloud = resources.use(await FakeCloud.start());
  cloud.createGroup({ name: groupName, maxSize });
  enginePort = await findFreePort(workerAddress);
});
afterEach(() => resources.disposeAsync());

async function startRouter(holdSeconds: number): Promise<Router> {
  const machine = await cloud.launch({ group: null });
  const emfFile = path.join(resources.use(await temporaryDirectory()).path, 'metrics');
  const process = resources.use(
    startFleetCommand(
      [
        ...['router', '--port', '0', '--asg', groupName, '--engine-port', String(enginePort)],
        ...['--hold-seconds', String(holdSeconds), '--time-scale', timeScale],
        ...['--publish', 'emf', '--emf-file', emfFile],
      ],
      { env: machine.environment },
    ),
  );
  const [, url] = await process.waitForLine(/"msg":"router listening","url":"([^"]+)"/);
  return { process, url: url!, emfFile };
}

function ask(url: string, stream: boolean): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 4, stream }),
  });
}

/** An instance of the group that serves. */
async function boot(): Promise<void> {
  const engine = ['sim', '--host', workerAddress, '--port', String(enginePort), '--time-scale', timeScale];
  resources.use(startFleetCommand(engine));
  await cloud.launch({ group: groupName, privateIp: workerAddress });
}

const desired = () => cloud.group(groupName).desiredCapacity;
const capacitiesSet = () =>
  cloud.callsOf('SetDesiredCapacity').map(({ parameters, status }) => [parameters['DesiredCapacity'], status]);

test('two routers that hold requests start one worker, and every request is answered', async () => {
  const routers = [await startRouter(60), await startRouter(60)];
  const answers = routers.flatMap(({ url }) => [ask(url, false), ask(url, true), ask(url, false)]);
  for (const { process } of routers) await process.waitForLine(/"msg":"worker group (raised from zero|left as it is)"/);
  expect(desired()).toBe(1);

  await boot();
  for (const answer of answers) {
    const response = await answer;
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('"content":')]);
  }

  for (const { process } of routers) {
    process.signal('SIGTERM');
    expect((await process.waitForExit()).code).toBe(0);
  }
  // Both may have asked, for the same: the first took effect.
  expect(new Set(capacitiesSet().map(String))).toEqual(new Set(['1,200']));
  expect(capacitiesSet().length).toBeLessThanOrEqual(2);
  expect(desired()).toBe(1);
  const published = routers.map(({ emfFile }) => readEmfFile(emfFile));
  expect(emfValues(published.flat(), 'GroupRaises')).toHaveLength(capacitiesSet().length);
  for (const lines of published) {
    expect(Math.max(...emfValues(lines, 'HeldRequests'))).toBe(3);
    expect(emfValues(lines, 'QueueTime')).toHaveLength(3);
    expect(Math.min(...emfValues(lines, 'QueueTime'))).toBeGreaterThan(0);
    expect(emfValues(lines, 'ClientTimeToFirstToken')).toHaveLength(1);
  }
});

test('a request that times out before the worker is there says when to come back, and then it is', async () => {
  const { process, url, emfFile } = await startRouter(0.4);
  const refusals: Response[] = [];
  await until('a client was told when the worker is expected', async () => {
    const response = await ask(url, false);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { code: 'NO_READY_WORKER' } });
    refusals.push(response);
    return Number(response.headers.get('retry-after')) > 5;
  });
  expect(desired()).toBe(1);
  await boot();
  await until('a request was answered', async () => {
    const response = await ask(url, false);
    if (response.status !== 200) refusals.push(response);
    await response.arrayBuffer();
    return response.status === 200;
  });
  process.signal('SIGTERM');
  await process.waitForExit();
  const rejections = emfValues(readEmfFile(emfFile), 'RejectedRequests').reduce((sum, value) => sum + value, 0);
  expect(rejections).toBe(refusals.length);
  expect(capacitiesSet()).toEqual([['1', 200]]);
});

test('a router that may not start workers leaves the group at zero', async () => {
  const machine = await cloud.launch({ group: null });
  await using router = startFleetCommand(
    [
      'router',
      '--port',
      '0',
      '--asg',
      groupName,
      '--hold-seconds',
      '1',
      '--time-scale',
      timeScale,
      '--start-workers',
      '0',
    ],
    { env: machine.environment },
  );
  const [, url] = await router.waitForLine(/"msg":"router listening","url":"([^"]+)"/);
  const response = await ask(url!, false);
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
  expect(capacitiesSet()).toEqual([]);
});
