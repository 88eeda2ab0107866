import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { RemoteRunnerBackend } from '../../../runtime/router/sessions/remote-runner-backend.ts';
import { acceptHttp2 } from '../../../runtime/runner/http2-on-port.ts';
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

describe('the connection', () => {
  let server: Server;
  let endConnections: () => void;
  let connections: number;
  let requests: number;
  let answer: (response: Http2ServerResponse) => void;
  beforeEach(async () => {
    connections = 0;
    requests = 0;
    answer = (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{"pool":{}}');
    server = createServer();
    endConnections = acceptHttp2(server, (_request, response) => {
      requests++;
      answer(response);
    });
    server.on('connection', () => connections++);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    backend = new RemoteRunnerBackend({ host: '127.0.0.1', port, secret: undefined });
  });
  afterEach(() => {
    endConnections();
    server.close();
  });

  test('is one for all calls, also for many at one time', async () => {
    const held: Http2ServerResponse[] = [];
    const { promise: allHeld, resolve } = Promise.withResolvers<void>();
    answer = (response) => {
      held.push(response);
      if (held.length === 300) resolve();
    };
    const calls = Array.from({ length: 300 }, () => backend.statistics());
    await allHeld;
    for (const response of held) response.end('{"pool":{}}');
    await Promise.all(calls);
    expect([connections, requests]).toEqual([1, 300]);
  });

  test('that the runner has just closed is no failure', async () => {
    await backend.statistics();
    // The request is on its way before the router can see that the connection is closed.
    endConnections();
    await backend.statistics();
    expect(connections).toBe(2);
  });

  test('that breaks before the answer means that the runner is lost, once it breaks again', async () => {
    answer = () => endConnections();
    await expect(backend.statistics()).rejects.toMatchObject({ code: 'RUNNER_LOST' });
  });

  test('of answers that nobody reads does not stop the others', async () => {
    const word = `data: {"object":"chat.completion.chunk","choices":[],"filler":"${'x'.repeat(1_000)}"}\n\n`;
    answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (let i = 0; i < 200; i++) response.write(word);
    };
    const unread = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const events = backend.sendMessage('s1', turn);
        await events.next();
        return events;
      }),
    );
    answer = (response) => void response.writeHead(200).end('{"pool":{}}');
    await backend.statistics();
    await Promise.all(unread.map((events) => events.return()));
    expect(connections).toBe(1);
  });
});

test('a runner that goes without a word while it works on an answer is lost', async () => {
  const { port } = runner;
  backend = new RemoteRunnerBackend({ host: '127.0.0.1', port, secret: 'fleet-secret', silenceMs: 200 });
  await backend.createSandbox(spec);
  const held = heldTurn();
  const events = collect(backend.sendMessage('s1', turn));
  await held;
  await expect(events).rejects.toMatchObject({ code: 'RUNNER_LOST' });
});

test('an address that is none is a lost runner', async () => {
  backend = new RemoteRunnerBackend({ host: 'a\r\nb', port: 1, secret: undefined });
  await expect(backend.getSandbox('s1')).rejects.toMatchObject({ code: 'RUNNER_LOST' });
});
