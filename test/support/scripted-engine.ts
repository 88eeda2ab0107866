import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SeenRequest {
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  readonly request: IncomingMessage;
}

export type Script = (response: ServerResponse, seen: SeenRequest) => void | Promise<void>;

export interface ScriptedEngine extends AsyncDisposable {
  readonly url: string;
  /** `host:port`, the router's id for it. */
  readonly id: string;
  /** Client requests in order; probes and admin calls are not among them. */
  readonly seen: SeenRequest[];
  /** Request ids that were aborted through /abort_request, in order. */
  readonly aborted: string[];
  /** When set, POST requests are taken and never answered, while everything else is fine. */
  isHung: boolean;
  /** What the next and all later client requests get. */
  script: Script;
  /** Refuses connections from now on, and resets the open ones. */
  die(): Promise<void>;
}

export const sse = (...payloads: (object | string)[]) =>
  payloads.map((payload) => `data: ${typeof payload === 'string' ? payload : JSON.stringify(payload)}\n\n`).join('');

export const delta = (content: string) => ({
  id: 'x',
  choices: [{ index: 0, delta: { content }, finish_reason: null }],
});

/** An engine whose every answer a test decides: for what no healthy engine does, and for bytes that must pass unchanged. */
export async function startScriptedEngine(script: Script = answerOk, model = 'scripted'): Promise<ScriptedEngine> {
  const seen: SeenRequest[] = [];
  const aborted: string[] = [];
  const server = http.createServer(async (request, response) => {
    const parts: Buffer[] = [];
    // A client that leaves in the middle of its request ends it.
    await request.forEach((part: Buffer) => void parts.push(part)).catch(() => {});
    const body = Buffer.concat(parts);
    const target = request.url!;
    if (target === '/v1/models') sendJson(response, { object: 'list', data: [{ id: model, object: 'model' }] });
    else if (target === '/abort_request') {
      aborted.push((JSON.parse(body.toString()) as { rid: string }).rid);
      response.end();
    } else if (engine.isHung && request.method === 'POST') {
      seen.push({ target, rawHeaders: request.rawHeaders, body, request });
    } else if (target === '/generate' && body.includes('"text":"Hello"')) sendJson(response, { text: '' });
    else if (target.startsWith('/v1/loads')) sendJson(response, { loads: [] });
    else {
      const entry = { target, rawHeaders: request.rawHeaders, body, request };
      seen.push(entry);
      await engine.script(response, entry);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const id = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const engine: ScriptedEngine = {
    url: `http://${id}`,
    id,
    seen,
    aborted,
    isHung: false,
    script,
    die: close,
    [Symbol.asyncDispose]: close,
  };
  return engine;
}

export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function answerOk(response: ServerResponse): void {
  sendJson(response, { object: 'chat.completion', choices: [{ message: { content: 'ok' } }] });
}
