import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RemoteRunnerBackend } from '../../../runtime/router/sessions/remote-runner-backend.ts';
import type { TurnEvent } from '../../../runtime/shared/sandbox-protocol.ts';
import { FakeRunner, type FakeTurn } from '../../support/fake-runner.ts';

const spec = { sessionId: 's1', agent: 'chat' };
const turn = { turnId: 't1', content: 'hello' };

let runner: FakeRunner;
let backend: RemoteRunnerBackend;
beforeEach(async () => {
  runner = await FakeRunner.start('r1');
  backend = new RemoteRunnerBackend({ host: '127.0.0.1', port: runner.port, secret: 'fleet-secret' });
});
afterEach(async () => {
  await backend.close();
  await runner[Symbol.asyncDispose]();
});

const collect = async (events: AsyncIterable<TurnEvent>) => {
  const seen: TurnEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
};
const heldTurn = (): Promise<FakeTurn> => {
  const { promise, resolve } = Promise.withResolvers<FakeTurn>();
  runner.onTurn = (held) => {
    held.say('word');
    resolve(held);
  };
  return promise;
};

test('a sandbox is made, looked at, spoken to and ended, with the secret of the fleet', async () => {
  expect(await backend.createSandbox(spec)).toEqual({ id: 's1', agent: 'chat', status: 'ready', turns: 0 });
  const events = await collect(backend.sendMessage('s1', turn));
  expect(events.map(({ object }) => object)).toEqual(['chat.completion.chunk', 'chat.completion.chunk', 'fleet.turn']);
  expect(await backend.getSandbox('s1')).toMatchObject({ turns: 1 });
  expect(await backend.statistics()).toEqual({ activeCount: 1, warmingCount: 0, maxSandboxes: 10 });
  await backend.destroySandbox('s1');
  await backend.destroySandbox('s1');
  expect(await backend.getSandbox('s1')).toBeUndefined();
  expect(new Set(runner.headers.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer fleet-secret']));
});

test('a refusal comes as the runner gave it', async () => {
  runner.refusal = { status: 404, code: 'UNKNOWN_AGENT' };
  await expect(backend.createSandbox(spec)).rejects.toMatchObject({ code: 'UNKNOWN_AGENT', status: 404 });
  await expect(collect(backend.sendMessage('nobody', turn))).rejects.toMatchObject({ code: 'UNKNOWN_SANDBOX' });
});

test('an error event comes as the runner gave it', async () => {
  await backend.createSandbox(spec);
  runner.onTurn = ({ event, response }) => {
    event({ error: { message: 'no', type: 'x', param: null, code: 'AGENT_ERROR' } });
    response.end();
  };
  await expect(collect(backend.sendMessage('s1', turn))).rejects.toMatchObject({ code: 'AGENT_ERROR', message: 'no' });
});

test('a stream that ends without its last event, or says what no runner says, means that the runner is lost', async () => {
  await backend.createSandbox(spec);
  runner.onTurn = ({ say, response }) => {
    say('word');
    response.end();
  };
  await expect(collect(backend.sendMessage('s1', turn))).rejects.toMatchObject({ code: 'RUNNER_LOST' });
  runner.onTurn = ({ response }) => void response.end('data: {"half\n\n');
  await expect(collect(backend.sendMessage('s1', turn))).rejects.toMatchObject({ code: 'RUNNER_LOST' });
});

test('closing ends turns with RUNNER_LOST, and calls afterwards', async () => {
  await backend.createSandbox(spec);
  const held = heldTurn();
  const events = collect(backend.sendMessage('s1', turn));
  await held;
  await backend.close();
  await expect(events).rejects.toMatchObject({ code: 'RUNNER_LOST' });
  await expect(backend.getSandbox('s1')).rejects.toMatchObject({ code: 'RUNNER_LOST' });
});

test('who aborts gets his own reason, and the runner notices', async () => {
  await backend.createSandbox(spec);
  const held = heldTurn();
  const abort = new AbortController();
  const events = collect(backend.sendMessage('s1', turn, abort.signal));
  const { response } = await held;
  const closed = once(response, 'close');
  const reason = new Error('enough');
  abort.abort(reason);
  await expect(events).rejects.toBe(reason);
  await closed;
});

describe('kept connections', () => {
  let server: Server;
  let connections: number;
  let requests: number;
  beforeEach(async () => {
    connections = 0;
    requests = 0;
    server = createServer((_request, response) => {
      requests++;
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"pool":{}}');
    });
    server.on('connection', () => connections++);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    backend = new RemoteRunnerBackend({
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      secret: undefined,
    });
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  test('are used again', async () => {
    for (let i = 0; i < 3; i++) await backend.statistics();
    expect([connections, requests]).toEqual([1, 3]);
  });

  test('that the runner has just closed are no failure', async () => {
    await backend.statistics();
    // The request is on its way before the router can see that the connection is closed.
    server.closeAllConnections();
    await backend.statistics();
    expect(connections).toBe(2);
  });
});
