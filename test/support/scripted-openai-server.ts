import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { doneEvent, formatEvent } from '../../runtime/shared/sse.ts';

export interface ReceivedRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Parsed JSON. */
  readonly body: Record<string, unknown>;
}

/** How one generation request is answered: as SGLang's streams look, unless it says otherwise. */
export interface ScriptedAnswer {
  /** One event each. @default ['hello', ' there'] */
  readonly words?: readonly string[];
  readonly usage?: { readonly prompt: number; readonly cached: number };
  /** Value of `x-fleet-worker`. */
  readonly worker?: string;
  /** Answers with this status and OpenAI error instead. */
  readonly error?: { readonly status: number; readonly code: string; readonly message: string };
  /** An error event in place of the usage, as SGLang under overload. */
  readonly errorEvent?: { readonly code: number; readonly message: string };
  /** Destroys the connection after the words. */
  readonly isCut?: boolean;
  /** The stream pauses after its words until this settles. */
  readonly hold?: Promise<unknown>;
}

export interface ScriptedServer extends AsyncDisposable {
  readonly url: string;
  /** Generation requests in order of arrival. */
  readonly received: readonly ReceivedRequest[];
  /** Clients that went away before their answer was complete. */
  readonly disconnects: { count: number };
}

export interface ScriptedServerOptions {
  /** @default - the default of every ScriptedAnswer field */
  readonly answer?: (request: ReceivedRequest, index: number) => ScriptedAnswer;
  /** @default ['scripted'] */
  readonly models?: readonly string[];
  /** JSON answers of GET routes by path, read at each request. */
  readonly documents?: Readonly<Record<string, unknown>>;
}

/** An OpenAI-compatible server that says what the test tells it to, on a port of its own. */
export async function startScriptedServer(options: ScriptedServerOptions = {}): Promise<ScriptedServer> {
  const received: ReceivedRequest[] = [];
  const disconnects = { count: 0 };
  const documents: Record<string, unknown> = {
    '/v1/models': { object: 'list', data: (options.models ?? ['scripted']).map((id) => ({ id, object: 'model' })) },
    ...options.documents,
  };
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.method === 'GET') {
      const document = documents[request.url!];
      sendJson(response, document === undefined ? 404 : 200, document ?? { error: { message: 'Not Found' } });
      return;
    }
    const parsed = { path: request.url!, headers: request.headers, body: JSON.parse(await text(request)) };
    const index = received.push(parsed) - 1;
    response.on('close', () => {
      if (!response.writableFinished) disconnects.count++;
    });
    await sendAnswer(parsed, response, options.answer?.(parsed, index) ?? {});
  };
  const server = createServer((request, response) => void serve(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    disconnects,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A URL at which nothing listens: its port was just free. */
export async function unusedUrl(): Promise<string> {
  await using server = await startScriptedServer();
  return server.url;
}

async function sendAnswer(request: ReceivedRequest, response: ServerResponse, answer: ScriptedAnswer): Promise<void> {
  const { words = ['hello', ' there'], usage = { prompt: 10, cached: 4 }, worker, error } = answer;
  if (worker !== undefined) response.setHeader('x-fleet-worker', worker);
  if (error) {
    const { status, ...rest } = error;
    sendJson(response, status, { error: { ...rest, type: 'scripted_error', param: null } });
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  response.write(': heartbeat\n\n');
  for (const event of wordEvents(request.path, words, usage)) response.write(formatEvent(JSON.stringify(event)));
  await answer.hold;
  if (answer.isCut) {
    // What was said before must be on its way: destroying drops what is still buffered.
    await new Promise((flushed) => response.write(': cut\n\n', flushed));
    response.destroy();
    return;
  }
  if (answer.errorEvent) response.write(formatEvent(JSON.stringify({ error: answer.errorEvent })));
  else if (request.path !== '/generate') {
    response.write(formatEvent(JSON.stringify({ choices: [], usage: openAiUsage(words.length, usage) })));
  }
  response.end(doneEvent);
}

function wordEvents(path: string, words: readonly string[], usage: { prompt: number; cached: number }): object[] {
  if (path === '/v1/completions') return words.map((word) => ({ choices: [{ index: 0, text: word }], usage: null }));
  if (path === '/generate') {
    return words.map((_, index) => ({
      text: words.slice(0, index + 1).join(''),
      meta_info: {
        prompt_tokens: usage.prompt,
        completion_tokens: index + 1,
        cached_tokens: usage.cached,
        finish_reason: index === words.length - 1 ? { type: 'length' } : null,
      },
    }));
  }
  return [
    { choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] },
    ...words.map((word) => ({ choices: [{ index: 0, delta: { content: word }, finish_reason: null }] })),
    { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
  ];
}

function openAiUsage(completionTokens: number, usage: { prompt: number; cached: number }) {
  return {
    prompt_tokens: usage.prompt,
    completion_tokens: completionTokens,
    total_tokens: usage.prompt + completionTokens,
    prompt_tokens_details: { cached_tokens: usage.cached },
  };
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
