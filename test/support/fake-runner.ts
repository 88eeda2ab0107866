import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { acceptHttp2 } from '../../runtime/runner/http2-on-port.ts';
import { heartbeatPath, type LoadReport, loadPath, registerPath } from '../../runtime/shared/protocol.ts';
import type { SandboxList, SandboxSpec, SandboxView, TurnRequest } from '../../runtime/shared/sandbox-protocol.ts';
import { formatEvent } from '../../runtime/shared/sse.ts';

/** One message on its way through a sandbox, for a test to answer as it likes. */
export interface FakeTurn {
  readonly sessionId: string;
  readonly request: TurnRequest;
  /** What the sandbox remembers before this message. */
  readonly memory: readonly string[];
  readonly response: ServerResponse;
  /** Sends one piece of the answer. */
  say(content: string): void;
  /** Ends the answer in good order. */
  finish(content: string, finishReason?: string): void;
  /** Sends any event. */
  event(event: object): void;
}

export interface FakeSandbox {
  readonly spec: SandboxSpec;
  /** Contents of all messages that it knows of. */
  readonly memory: string[];
  turns: number;
  isBusy: boolean;
}

/**
 * The sandbox half of a runner as a real server that speaks sandbox-protocol.ts: sandboxes remember, and answer
 * `echo: <message>` unless `onTurn` says otherwise.
 */
export class FakeRunner implements AsyncDisposable {
  readonly runnerId: string;
  readonly sandboxes = new Map<string, FakeSandbox>();
  /** `METHOD /path` of every call, in order. */
  readonly calls: string[] = [];
  readonly headers: IncomingHttpHeaders[] = [];
  /** Sandboxes that it takes; the router is told at the registration. */
  readonly maxSandboxes: number;
  /** Status and code with which new sandboxes are refused. */
  refusal: { status: number; code: string } | undefined;
  /** Its engine, when it has one; told at the registration. */
  engineUrl: string | undefined;
  /** What its load stream says, once for each router that opens it; without it there is none. */
  loadReport: LoadReport | undefined;
  #isDraining = false;
  /** Called before a sandbox is made. */
  onCreate: () => void | Promise<void> = () => {};
  onTurn: (turn: FakeTurn) => void | Promise<void> = (turn) => {
    turn.say('echo: ');
    turn.finish(`echo: ${turn.request.content}`);
  };
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  readonly #endHttp2 = acceptHttp2(
    this.#server,
    (request, response) =>
      void this.#serve(request as unknown as IncomingMessage, response as unknown as ServerResponse),
  );

  static async start(runnerId: string, maxSandboxes = 10): Promise<FakeRunner> {
    const runner = new FakeRunner(runnerId, maxSandboxes);
    await runner.listen(0);
    return runner;
  }

  private constructor(runnerId: string, maxSandboxes: number) {
    this.runnerId = runnerId;
    this.maxSandboxes = maxSandboxes;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  /** What `register` sends. */
  get registration() {
    const { runnerId, port, maxSandboxes, engineUrl } = this;
    return { runnerId, host: '127.0.0.1', port, maxSandboxes, engineUrl };
  }

  async register(routerUrl: string, secret?: string): Promise<void> {
    await post(`${routerUrl}${registerPath}`, this.registration, secret);
  }

  async beat(routerUrl: string, activeCount = this.sandboxes.size): Promise<number> {
    return await post(`${routerUrl}${heartbeatPath}`, { runnerId: this.runnerId, activeCount, warmingCount: 0 });
  }

  /** Takes no new sandboxes and no messages, and tells nobody. */
  drain(): void {
    this.#isDraining = true;
    this.refusal = { status: 503, code: 'RUNNER_DRAINING' };
  }

  /** As by `kill -9`: connections are reset, new ones refused, sandboxes gone. */
  async die(): Promise<void> {
    this.sandboxes.clear();
    this.#endHttp2();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.die();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.calls.push(`${request.method} ${request.url}`);
    this.headers.push(request.headers);
    const [, , id = '', tail] = request.url!.split('/');
    const sandbox = this.sandboxes.get(id);
    if (request.url === '/health') {
      const pool = { activeCount: this.sandboxes.size, warmingCount: 0, maxSandboxes: this.maxSandboxes };
      sendJson(response, 200, { status: 'ok', pool });
    } else if (request.url === loadPath && this.loadReport) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(formatEvent(JSON.stringify(this.loadReport)));
    } else if (request.method === 'POST' && id === '') {
      const spec = (await json(request)) as SandboxSpec;
      await this.onCreate();
      this.#create(spec, response);
    } else if (request.method === 'DELETE') {
      const isKnown = this.sandboxes.delete(id);
      sendJson(response, isKnown ? 200 : 404, isKnown ? {} : refusalBody('UNKNOWN_SANDBOX'));
    } else if (request.method === 'GET' && id === '') {
      sendJson(response, 200, { sandboxes: [...this.sandboxes.values()].map(viewOf) } satisfies SandboxList);
    } else if (sandbox === undefined) sendJson(response, 404, refusalBody('UNKNOWN_SANDBOX'));
    else if (request.method === 'GET') sendJson(response, 200, viewOf(sandbox));
    else if (tail === 'messages' && this.#isDraining) sendJson(response, 503, refusalBody('RUNNER_DRAINING'));
    else if (tail === 'messages') {
      await this.#answer(sandbox, (await json(request)) as TurnRequest, response);
    }
  }

  #create(spec: SandboxSpec, response: ServerResponse): void {
    const known = this.sandboxes.get(spec.sessionId);
    if (this.refusal) {
      sendJson(response, this.refusal.status, refusalBody(this.refusal.code));
    } else if (known === undefined && this.sandboxes.size >= this.maxSandboxes) {
      sendJson(response, 503, refusalBody('NO_CAPACITY'));
    } else {
      const memory = (spec.restore?.messages ?? []).map(({ content }) => content);
      const sandbox = known ?? { spec, memory, turns: 0, isBusy: false };
      this.sandboxes.set(spec.sessionId, sandbox);
      sendJson(response, known ? 200 : 201, viewOf(sandbox));
    }
  }

  async #answer(sandbox: FakeSandbox, request: TurnRequest, response: ServerResponse): Promise<void> {
    if (sandbox.isBusy) {
      sendJson(response, 409, refusalBody('SANDBOX_BUSY'));
      return;
    }
    sandbox.isBusy = true;
    response.once('close', () => {
      sandbox.isBusy = false;
    });
    const event = (value: object) => {
      if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(formatEvent(JSON.stringify(value)));
    };
    const chunk = (delta: object, finish_reason: string | null) =>
      event({ object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] });
    await this.onTurn({
      ...{ sessionId: sandbox.spec.sessionId, request, memory: [...sandbox.memory], response, event },
      say: (content) => chunk({ content }, null),
      finish(content, finishReason = 'stop') {
        chunk({}, finishReason);
        sandbox.memory.push(request.content, content);
        sandbox.turns++;
        sandbox.isBusy = false;
        event({
          object: 'fleet.turn',
          message: { role: 'assistant', content },
          state: { remembered: sandbox.memory.length },
          usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
        });
        response.end();
      },
    });
  }
}

function viewOf({ spec, turns, isBusy }: FakeSandbox): SandboxView {
  return { id: spec.sessionId, agent: spec.agent, status: isBusy ? 'busy' : 'ready', turns };
}

function refusalBody(code: string) {
  return { error: { message: `the fake runner says ${code}`, type: 'fake_error', param: null, code } };
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function post(url: string, body: unknown, secret?: string): Promise<number> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(secret && { authorization: `Bearer ${secret}` }) },
    body: JSON.stringify(body),
  });
  await response.arrayBuffer();
  return response.status;
}
