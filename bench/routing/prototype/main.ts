/**
 * `node bench/routing/prototype/main.ts PORT TIME_SCALE ENGINE_URL...`: the yardstick as a router over HTTP. A bare relay
 * for streamed chats before engines that are up: no retry, no health, no limits.
 */
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request as openRequest, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { blockTokens } from '../../../runtime/cli/replay/trace.ts';
import { blockBytes, hashPromptBlocks } from '../../../runtime/router/policy/prompt-blocks.ts';
import { PrototypeBooks } from './prototype-books.ts';

interface ChatBody {
  readonly messages: readonly { readonly content: string }[];
}

const [port, timeScale, ...engineUrls] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, timeout: 4_000 });
const capacities = await Promise.all(
  engineUrls.map(async (url) => {
    const info = (await (await fetch(`${url}/server_info`)).json()) as { max_total_num_tokens: number };
    return Math.floor(info.max_total_num_tokens / blockTokens);
  }),
);
const books = new PrototypeBooks(capacities);
const engineNowMs = () => performance.now() * Number(timeScale);
let lastId = 0;

createServer((request, response) => {
  if (request.method === 'POST') void relay(request, response).catch((error) => response.destroy(error as Error));
  else if (request.url === '/workers')
    answer(response, { workers: engineUrls.map((id) => ({ id, is_healthy: true })) });
  else answer(response, { data: [{ id: 'simulated-model' }] });
}).listen(Number(port), '127.0.0.1');

async function relay(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await buffer(request);
  const { messages } = JSON.parse(body.toString()) as ChatBody;
  const prompt = Buffer.from(messages.map(({ content }) => content).join('\n'));
  const facts = {
    chain: hashPromptBlocks(prompt, 0, prompt.length),
    promptTokens: (prompt.length * blockTokens) / blockBytes,
    tokensPerBlock: blockTokens,
  };
  const id = ++lastId;
  const { index } = books.send(id, facts, engineNowMs());
  try {
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    const upstream = openRequest(engineUrls[index]! + request.url!, { method: 'POST', agent, headers });
    upstream.end(body);
    const [engineAnswer] = (await once(upstream, 'response')) as [IncomingMessage];
    response.writeHead(engineAnswer.statusCode!, { 'content-type': engineAnswer.headers['content-type'] });
    for await (const chunk of engineAnswer) {
      books.firstToken(id, engineNowMs());
      response.write(chunk);
    }
    response.end();
  } finally {
    books.end(id);
  }
}

function answer(response: ServerResponse, value: unknown): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(value));
}
