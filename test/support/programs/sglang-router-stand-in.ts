// Stands in for sglang-router 0.3 where it is not installed: `launch FLAGS` as the package's program takes it, the same
// worker API with the same answers (additions and removals are accepted first and done later), and requests passed to
// healthy workers in turn. Refuses flags that it does not know, as the real one does. `--version` names its version.
import { randomUUID } from 'node:crypto';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';

if (process.argv.includes('--version')) {
  console.log('sglang-router 0.3.2 (stand-in)');
  process.exit(0);
}

const text = { type: 'string' } as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    host: text,
    port: text,
    'prometheus-host': text,
    'prometheus-port': text,
    'log-level': text,
    'max-payload-size': text,
    'worker-startup-timeout-secs': text,
    'ca-cert-paths': text,
    'control-plane-api-keys': text,
    policy: text,
    'enable-igw': { type: 'boolean', default: false },
    'dp-aware': { type: 'boolean', default: false },
  },
});
if (positionals.join() !== 'launch') throw new Error('usage: launch [FLAGS]');
const controlKey = values['control-plane-api-keys']!.split(':')[3];

interface Worker {
  readonly id: string;
  readonly url: string;
  readonly modelId: string;
  readonly apiKey: string | undefined;
}

interface Job {
  readonly status: 'processing' | 'failed';
  readonly message: string | null;
}

/** Of every URL that was ever added, as the real one keeps them. */
const ids = new Map<string, string>();
const jobs = new Map<string, Job>();
let workers: readonly Worker[] = [];
let turn = 0;

async function register(url: string, id: string, modelId: string, apiKey: string | undefined): Promise<void> {
  jobs.set(url, { status: 'processing', message: null });
  try {
    const headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
    const health = await fetch(`${url}/health`, { headers, signal: AbortSignal.timeout(5_000) });
    if (!health.ok) throw new Error(`health check answered ${health.status}`);
    const info = (await (await fetch(`${url}/server_info`, { headers })).json()) as { dp_size?: number };
    if (workers.some((worker) => worker.url.split('@')[0] === url)) throw new Error(`Worker ${url} already exists`);
    const ranks = values['dp-aware'] ? Array.from({ length: info.dp_size ?? 1 }, (_, rank) => rank) : [undefined];
    const added = ranks.map((rank) =>
      rank === undefined ? { id, url, modelId, apiKey } : { id: randomUUID(), url: `${url}@${rank}`, modelId, apiKey },
    );
    workers = [...workers, ...added];
    jobs.delete(url);
  } catch (error) {
    jobs.set(url, { status: 'failed', message: (error as Error).message });
  }
}

const info = ({ id, url, modelId }: Worker) => ({ id, url, model_id: modelId, is_healthy: true, load: 0 });
const send = (response: ServerResponse, status: number, body: unknown) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

async function answerWorkers(request: IncomingMessage, response: ServerResponse, id: string | undefined) {
  if (request.headers.authorization !== `Bearer ${controlKey}`) {
    response.writeHead(401, { 'content-type': 'text/plain' }).end('Missing or invalid Authorization header');
    return;
  }
  if (id === undefined && request.method === 'GET') {
    send(response, 200, { workers: workers.map(info), total: workers.length });
    return;
  }
  if (id === undefined) {
    const body = (await json(request)) as { url: string; model_id?: string; api_key?: string };
    const given = ids.get(body.url) ?? randomUUID();
    ids.set(body.url, given);
    void register(body.url, given, body.model_id ?? 'unknown', body.api_key);
    send(response, 202, { status: 'accepted', worker_id: given, url: body.url, location: `/workers/${given}` });
    return;
  }
  const listed = workers.find((worker) => worker.id === id);
  const url = listed?.url ?? [...ids].find(([, known]) => known === id)?.[0];
  const job = url === undefined ? undefined : jobs.get(url);
  if (url === undefined || (request.method === 'GET' && listed === undefined && job === undefined)) {
    send(response, 404, { error: `Worker ${id} not found`, code: 'WORKER_NOT_FOUND' });
  } else if (request.method === 'DELETE') {
    // The id of one rank names no engine.
    if (!url.includes('@'))
      setImmediate(() => (workers = workers.filter((worker) => worker.url.split('@')[0] !== url)));
    send(response, 202, { status: 'accepted', worker_id: id });
  } else if (listed) send(response, 200, info(listed));
  else send(response, 200, { ...info({ id, url, modelId: 'unknown', apiKey: undefined }), job_status: job });
}

async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const body = Buffer.concat(parts);
  const { model } = JSON.parse(body.toString()) as { model?: string };
  const able = values['enable-igw'] ? workers.filter((worker) => worker.modelId === model) : workers;
  const worker = able[turn++ % Math.max(1, able.length)];
  if (worker === undefined) {
    send(response, 503, { error: { code: 'no_available_workers', message: 'No available workers' } });
    return;
  }
  const { host: _, ...headers } = request.headers;
  if (worker.apiKey !== undefined) headers.authorization = `Bearer ${worker.apiKey}`;
  const target = worker.url.split('@')[0] + request.url!;
  const upstream = http.request(target, { method: 'POST', headers });
  response.on('close', () => upstream.destroy());
  upstream.on('response', (answer) => {
    response.writeHead(answer.statusCode!, answer.headers);
    response.flushHeaders();
    pipeline(answer, response).catch(() => response.destroy());
  });
  upstream.on('error', (error) => {
    if (!response.headersSent) send(response, 500, { error: { code: 'call_upstream_failed', message: error.message } });
  });
  upstream.end(body);
}

const server = http.createServer((request, response) => {
  const path = request.url!.split('?')[0]!;
  const [, id] = path.match(/^\/workers(?:\/(.+))?$/) ?? [];
  if (path.startsWith('/workers')) void answerWorkers(request, response, id);
  else if (path === '/health' || path === '/liveness') response.end('OK');
  else if (request.method === 'POST') void route(request, response).catch(() => response.destroy());
  else send(response, 404, {});
});
server.listen(Number(values.port), values.host);

// As the real one: it takes no more connections and ends when the answers in flight have.
process.on('SIGTERM', () => server.close(() => process.exit(0)).closeIdleConnections());
