import type { Exchange } from '../http/exchange.ts';
import type { ServerState } from '../server-state.ts';
import { sglangVersion } from '../version.ts';

/** GET /openapi.json: the paths without their schemas. */
export async function openApi(exchange: Exchange, _server: ServerState): Promise<void> {
  // Imported late: the table holds this handler.
  const { routes } = await import('./routes.ts');
  const paths = routes.map(({ path, methods, metricName }) => [
    (metricName ?? path).replace(':path', ''),
    Object.fromEntries(Object.keys(methods).map((method) => [method.toLowerCase(), { responses: {} }])),
  ]);
  exchange.sendJson(200, {
    openapi: '3.1.0',
    info: { title: 'SGLang', version: sglangVersion },
    paths: Object.fromEntries(paths),
    components: { schemas: {} },
  });
}
