import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { capturedAnswer } from '../support/captured-answer.ts';

/**
 * Answers as a real 0.5.23 under load did (100 kB of metrics), with a load that is another at each look, and to a runner as an
 * engine that generates. As a router it takes whatever a runner says.
 */
export async function startEngine(): Promise<{ url: string; server: Server }> {
  const generated = JSON.stringify({
    text: 'x',
    meta_info: { completion_tokens: 1, finish_reason: { type: 'length' } },
  });
  const answers: Readonly<Record<string, string>> = {
    '/metrics': capturedAnswer('get_metrics_busy'),
    '/v1/models': capturedAnswer('get_v1_models'),
    '/generate': generated,
  };
  const loads = capturedAnswer('get_v1_loads_busy');
  let looks = 0;
  const answerTo = (path: string): string => {
    if (path !== '/v1/loads') return answers[path] ?? '{}';
    looks++;
    return loads
      .replace(/"num_running_reqs":\d+/, `"num_running_reqs":${30 + (looks % 20)}`)
      .replace(/"num_used_tokens":\d+/, `"num_used_tokens":${180_000 + looks}`);
  };
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.end(answerTo(request.url!.split('?')[0]!)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}
