import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

const captures = `${import.meta.dirname}/../../test/fixtures/sglang-real-0.5.23`;

/** The body of a captured answer. Chunked ones are put together. */
function captured(name: string): string {
  const [head, ...rest] = readFileSync(`${captures}/${name}.resp`, 'latin1').split('\r\n\r\n');
  const body = rest.join('\r\n\r\n');
  if (!/transfer-encoding: chunked/i.test(head!)) return body;
  let text = '';
  for (let at = 0; ; ) {
    const end = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.slice(at, end), 16);
    if (!(size > 0)) return text;
    text += body.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}

/**
 * Answers as a real 0.5.23 under load did (100 kB of metrics), and to a runner as an engine that generates. As a router it
 * takes whatever a runner says.
 */
export async function startEngine(): Promise<{ url: string; server: Server }> {
  const generated = JSON.stringify({
    text: 'x',
    meta_info: { completion_tokens: 1, finish_reason: { type: 'length' } },
  });
  const answers: Readonly<Record<string, string>> = {
    '/metrics': captured('get_metrics_busy'),
    '/v1/loads': captured('get_v1_loads_busy'),
    '/v1/models': captured('get_v1_models'),
    '/generate': generated,
  };
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.end(answers[request.url!.split('?')[0]!] ?? '{}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}
