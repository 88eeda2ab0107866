// The least that a runner needs of an engine, under the control of a test: `--refuse N` refuses the first N generations
// (`--silent`: without a log line; `--bar`: moving a progress bar), `--child` starts a process of its own (`--own-session`:
// in a session of its own), `--stubborn` ignores SIGTERM;
// `POST /test/in-flight {"count":N}` sets what `/v1/loads` reports, `GET /test/loads-asked` says how often it did.
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string' },
    refuse: { type: 'string', default: '0' },
    child: { type: 'boolean', default: false },
    'own-session': { type: 'boolean', default: false },
    bar: { type: 'boolean', default: false },
    silent: { type: 'boolean', default: false },
    stubborn: { type: 'boolean', default: false },
  },
});
let refusalsLeft = Number(values.refuse);
let inFlight = 0;
let loadsAsked = 0;

type Answer = readonly [status: number, body: unknown];
const routes: Record<string, (body: unknown) => Answer> = {
  'POST /generate': () => {
    if (refusalsLeft-- > 0) {
      if (!values.silent) console.log('generation refused');
      return [503, { error: { message: 'warming up' } }];
    }
    return [200, { text: ' yes', meta_info: { completion_tokens: 1, finish_reason: { type: 'length', length: 1 } } }];
  },
  'GET /health': () => [200, {}],
  'GET /v1/models': () => [200, { object: 'list', data: [{ id: 'fake-model', object: 'model' }] }],
  'GET /v1/loads': () => {
    loadsAsked++;
    const load = { num_running_reqs: inFlight, num_waiting_reqs: 0, num_used_tokens: 7, max_total_num_tokens: 1_000 };
    return [200, { loads: [load] }];
  },
  'GET /test/loads-asked': () => [200, loadsAsked],
  'POST /abort_request': () => {
    console.log('abort_request received');
    inFlight = 0;
    return [200, {}];
  },
  'POST /test/in-flight': (body) => {
    inFlight = (body as { count: number }).count;
    return [200, {}];
  },
};

const server = createServer(async (request, response) => {
  const name = `${request.method} ${request.url!.split('?')[0]}`;
  const body = request.method === 'POST' ? await json(request) : undefined;
  const [status, answer] = routes[name]?.(body) ?? [404, { detail: 'Not Found' }];
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
});

if (values.bar) {
  const moving = setInterval(() => {
    process.stdout.write(`Loading safetensors checkpoint shards: | ${refusalsLeft}/100 [00:01<00:01]\r`);
    if (refusalsLeft <= 0) clearInterval(moving);
  }, 50);
}
if (values.child) {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1_000)'], {
    stdio: 'ignore',
    detached: values['own-session'],
  });
  console.log(`engine child ${child.pid}`);
}
process.on('SIGTERM', () => {
  console.log('SIGTERM received');
  if (!values.stubborn) process.exit(0);
});
server.listen(Number(values.port), values.host, () => console.log('fake engine listening'));
