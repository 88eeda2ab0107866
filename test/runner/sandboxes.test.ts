import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { sendTurn } from '../../runtime/runner/routes/event-stream.ts';
import { identifyProcess, readProcessTable } from '../../runtime/shared/process/process-table.ts';
import type { TurnDone, TurnEvent } from '../../runtime/shared/sandbox-protocol.ts';
import { until } from '../support/poll.ts';
import { RouterStandIn } from '../support/router-stand-in.ts';
import { scriptedAgentFile } from '../support/started-pool.ts';
import { StartedRunner, type StartedRunnerOptions } from '../support/started-runner.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const isGone = (pid: number) => identifyProcess(pid) === undefined;
const done: TurnDone = { object: 'fleet.turn', message: { role: 'assistant', content: 'x' }, state: null, usage: null };

/** A runner whose agents are `chat` and `scripted`, and calls to it. */
class SandboxHost implements AsyncDisposable {
  readonly runner: StartedRunner;
  readonly #url: string;
  readonly #headers: Record<string, string>;
  readonly #cleanUp: AsyncDisposableStack;

  static async start(options: StartedRunnerOptions = {}, headers: Record<string, string> = {}): Promise<SandboxHost> {
    await using stack = new AsyncDisposableStack();
    const folder = stack.use(await temporaryDirectory());
    const file = path.join(folder.path, 'agents.yaml');
    const agents = [{ name: 'scripted', command: [process.execPath, scriptedAgentFile], memoryMb: 0 }];
    await writeFile(file, JSON.stringify({ agents }));
    const runner = stack.use(
      await StartedRunner.start({ ...options, args: ['--agents', file, ...(options.args ?? [])] }),
    );
    return new SandboxHost(runner, await runner.url(), headers, stack.move());
  }

  private constructor(
    runner: StartedRunner,
    url: string,
    headers: Record<string, string>,
    cleanUp: AsyncDisposableStack,
  ) {
    this.runner = runner;
    this.#url = url;
    this.#headers = headers;
    this.#cleanUp = cleanUp;
  }

  async call(method: string, route: string, body?: unknown, init: RequestInit = {}): Promise<Response> {
    return await fetch(`${this.#url}${route}`, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...this.#headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...init,
    });
  }

  /** Status and error code of a call. */
  async refusal(method: string, route: string, body?: unknown): Promise<[number, string]> {
    const response = await this.call(method, route, body);
    return [response.status, ((await response.json()) as { error: { code: string } }).error.code];
  }

  async create(sessionId = 's'): Promise<number> {
    return (await this.call('POST', '/sandboxes', { sessionId, agent: 'scripted' })).status;
  }

  async say(content: string, init?: RequestInit): Promise<Response> {
    return await this.call('POST', '/sandboxes/s/messages', { turnId: `t-${content}`, content }, init);
  }

  sandboxPids(): number[] {
    const engine = this.runner.logged('engine launched').map((entry) => entry['pid']);
    return readProcessTable()
      .filter(({ parentPid, pid }) => parentPid === this.runner.process.pid && !engine.includes(pid))
      .map(({ pid }) => pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanUp.disposeAsync();
  }
}

test('a sandbox is made, answers as an event stream, is counted, and ends', async () => {
  await using host = await SandboxHost.start({ args: ['--max-sandboxes', '2'] });
  expect(await host.create()).toBe(201);
  expect(await host.create()).toBe(200);
  expect((await host.runner.health()).pool).toEqual({ activeCount: 1, warmingCount: 0, maxSandboxes: 2 });

  const response = await host.say('say hi');
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  const events = (await response.text())
    .trim()
    .split('\n\n')
    .map((event) => JSON.parse(event.replace(/^data: /, '')));
  expect(events.map(({ object }) => object)).toEqual(['chat.completion.chunk', 'chat.completion.chunk', 'fleet.turn']);

  expect(await (await host.call('GET', '/sandboxes/s')).json()).toEqual({
    id: 's',
    agent: 'scripted',
    status: 'ready',
    turns: 1,
  });
  expect((await host.call('DELETE', '/sandboxes/s')).status).toBe(204);
  expect((await host.call('DELETE', '/sandboxes/s')).status).toBe(204);
  expect(await host.refusal('GET', '/sandboxes/s')).toEqual([404, 'UNKNOWN_SANDBOX']);
  expect(host.sandboxPids()).toEqual([]);
});

test('what cannot be done is refused with a status and a code', async () => {
  await using host = await SandboxHost.start({ args: ['--max-sandboxes', '1'] });
  expect(await host.refusal('POST', '/sandboxes', { sessionId: 's', agent: 'nobody' })).toEqual([404, 'UNKNOWN_AGENT']);
  await host.create();
  const full = await host.call('POST', '/sandboxes', { sessionId: 'other', agent: 'scripted' });
  expect([full.status, full.headers.get('retry-after')]).toEqual([503, '5']);
  const turn = { turnId: 't', content: 'x' };
  expect(await host.refusal('POST', '/sandboxes/nobody/messages', turn)).toEqual([404, 'UNKNOWN_SANDBOX']);
  expect(await host.refusal('POST', '/sandboxes', '{"sessionId":')).toEqual([400, 'INVALID_REQUEST']);
  expect(await host.refusal('POST', '/sandboxes/s/messages', { ...turn, content: 'x'.repeat(1_000_001) })).toEqual([
    400,
    'INVALID_REQUEST',
  ]);
  await using leaving = { abort: new AbortController(), [Symbol.asyncDispose]: async () => leaving.abort.abort() };
  await host.say('wait', { signal: leaving.abort.signal });
  expect(await host.refusal('POST', '/sandboxes/s/messages', turn)).toEqual([409, 'SANDBOX_BUSY']);
});

test('a body is parsed strictly and all its mistakes are told', async () => {
  await using host = await SandboxHost.start();
  const response = await host.call('POST', '/sandboxes', { sessionId: '', agent: 7, colour: 'red' });
  const { error } = (await response.json()) as { error: { message: string } };
  expect(response.status).toBe(400);
  for (const field of ['sessionId', 'agent', 'colour']) expect(error.message).toContain(field);
});

test('everything about sandboxes needs the secret of the fleet; health does not', async () => {
  await using host = await SandboxHost.start({ env: { FLEET_INTERNAL_SECRET: 'open-sesame' } });
  const calls = [
    ['POST', '/sandboxes', { sessionId: 's', agent: 'scripted' }],
    ['GET', '/sandboxes/s'],
    ['DELETE', '/sandboxes/s'],
    ['POST', '/sandboxes/s/messages', { turnId: 't', content: 'x' }],
  ] as const;
  for (const [method, route, body] of calls) {
    expect(await host.refusal(method, route, body)).toEqual([401, 'UNAUTHORIZED']);
  }
  expect((await host.call('GET', '/health')).status).toBe(200);
  const headers = { authorization: 'Bearer open-sesame', 'content-type': 'application/json' };
  expect((await host.call('POST', '/sandboxes', { sessionId: 's', agent: 'scripted' }, { headers })).status).toBe(201);
});

test('a router that goes away in the middle of a turn cancels it', async () => {
  await using host = await SandboxHost.start();
  await host.create();
  const leaving = new AbortController();
  await host.say('wait', { signal: leaving.signal });
  leaving.abort();
  await until('the sandbox is free', async () => {
    const view = (await (await host.call('GET', '/sandboxes/s')).json()) as { status: string };
    return view.status === 'ready';
  });
  expect(await (await host.say('say next')).text()).toContain('"content":"next"');
});

test('a failure in the middle of a turn is its last event', async () => {
  await using host = await SandboxHost.start();
  await host.create();
  const text = await (await host.say('crash')).text();
  expect(JSON.parse(text.replace(/^data: /, ''))).toEqual({
    error: {
      code: 'SANDBOX_DIED',
      type: 'sandbox_error',
      param: null,
      message: 'The sandbox of agent "scripted" died: its process ended with status 3.',
    },
  });
});

test('heartbeats count what runs and what waits', async () => {
  await using router = await RouterStandIn.start();
  await using host = await SandboxHost.start({
    routerUrls: [router.url],
    args: ['--warm-sandboxes', '1', '--max-sandboxes', '4', '--time-scale', '50'],
  });
  await host.create();
  await router.waitFor('both', ({ body }) => body.activeCount === 1 && body.warmingCount === 1);
});

test('a drain lets a running turn end, takes nothing new, and ends the sandboxes after it left the routers', async () => {
  await using router = await RouterStandIn.start();
  await using host = await SandboxHost.start({ routerUrls: [router.url] });
  await router.waitFor('a registration', (call) => call.kind === 'register');
  await host.create();
  const leaving = new AbortController();
  await host.say('wait', { signal: leaving.signal });
  host.runner.process.signal('SIGTERM');
  await router.waitFor('the drain', (call) => call.body.engineState === 'draining');
  expect(await host.refusal('POST', '/sandboxes', { sessionId: 'new', agent: 'scripted' })).toEqual([
    503,
    'RUNNER_DRAINING',
  ]);
  expect(await host.refusal('POST', '/sandboxes/s/messages', { turnId: 'n', content: 'say x' })).toEqual([
    503,
    'RUNNER_DRAINING',
  ]);
  expect(router.of('deregister')).toEqual([]);
  const [pid] = host.sandboxPids();
  leaving.abort();
  expect(await host.runner.process.waitForExit()).toEqual({ code: 0, signal: null });
  expect(router.calls.at(-1)).toMatchObject({ kind: 'deregister' });
  expect(isGone(pid!)).toBe(true);
});

test('a turn that outlives the drain deadline is told that its sandbox ends', async () => {
  await using host = await SandboxHost.start({ args: ['--drain-seconds', '1'] });
  await host.create();
  const response = await host.say('wait');
  host.runner.process.signal('SIGTERM');
  expect(await response.text()).toContain('"code":"SANDBOX_DIED"');
  expect(await host.runner.process.waitForExit()).toMatchObject({ code: 0 });
});

test('no sandbox outlives a runner that is killed', async () => {
  await using host = await SandboxHost.start({ args: ['--warm-sandboxes', '1', '--max-sandboxes', '6'] });
  await host.runner.ready();
  for (const name of ['a', 'b']) await host.create(name);
  await until(
    'one waits',
    async () => (await host.runner.health()).pool.warmingCount === 1 && host.sandboxPids().length === 3,
  );
  const pids = host.sandboxPids();
  // One is in the middle of endless work and reads nothing, not even the end of its stdin.
  await host.call('POST', '/sandboxes/a/messages', { turnId: 't', content: 'block' });
  await host.runner.killAlone();
  await until('all are gone', () => pids.every(isGone));
});

test('what a killed runner left behind of an agent is ended by the next runner of the folder', async () => {
  await using host = await SandboxHost.start();
  await host.create();
  const text = await (await host.say('children')).text();
  const [child, detached] = text
    .match(/"message":\{"role":"assistant","content":"(\d+ \d+)"/)![1]!
    .split(' ')
    .map(Number);
  await host.runner.killAlone();
  await using next = await StartedRunner.start({ dataDir: host.runner.dataDir });
  await next.ready();
  expect(isGone(child!)).toBe(true);
  // It made a session of its own: only a control group would hold it.
  process.kill(detached!, 'SIGKILL');
});

test('mistakes in the file of agents stop the start, all of them at once', async () => {
  await using folder = await temporaryDirectory();
  const file = path.join(folder.path, 'agents.yaml');
  await writeFile(
    file,
    'agents:\n  - name: Bad Name\n    command: [x]\n  - name: chat\n    script: a.js\n    command: [y]\n',
  );
  await using runner = await StartedRunner.start({ args: ['--agents', file] });
  expect(await runner.process.waitForExit()).toMatchObject({ code: 1 });
  expect(runner.process.output).toMatch(
    /agents\.yaml has 3 mistakes:\n.*line 2, agents\[0\]\.name.*\n.*give either script or command\n.*built-in agent/,
  );
});

test('a quiet turn sends heartbeat comments', async () => {
  const heard = Promise.withResolvers<void>();
  async function* quietTurn(): AsyncGenerator<TurnEvent> {
    await heard.promise;
    yield done;
  }
  const server: Server = createServer((_request, response) => void sendTurn(response, quietTurn(), 10));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  let text = '';
  for await (const bytes of response.body!) {
    text += Buffer.from(bytes).toString();
    if (text.includes(': heartbeat\n\n')) heard.resolve();
  }
  expect(text.replaceAll(': heartbeat\n\n', '')).toBe(`data: ${JSON.stringify(done)}\n\n`);
  await new Promise((resolve) => server.close(resolve));
});
