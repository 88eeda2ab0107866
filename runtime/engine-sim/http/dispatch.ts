import { bearerToken, secretsEqual } from '../../shared/auth.ts';
import { CodedError } from '../../shared/errors.ts';
import { UnsupportedMediaType } from '../endpoints/request-body.ts';
import type { Route } from '../endpoints/route.ts';
import { findRoute } from '../endpoints/routes.ts';
import { submitOneTokenPass } from '../engine/one-token-pass.ts';
import { openAiError } from '../generation/openai-error.ts';
import type { ServerState } from '../server-state.ts';
import { unsupportedMediaTypeMessage, ValidationError } from '../validation/validation-error.ts';
import type { Exchange } from './exchange.ts';
import { sendFailure } from './failure.ts';
import { randomId } from './random-id.ts';

/** Answers one request. Never rejects: what no handler foresaw becomes a 500, as with FastAPI. */
export async function dispatch(exchange: Exchange, server: ServerState): Promise<void> {
  const route = findRoute(exchange.path);
  server.metrics.observeHttpRequest(route?.metricName ?? exchange.path, exchange.method);
  if (isPreflight(exchange)) {
    answerPreflight(exchange);
    return;
  }
  if (!isAllowed(exchange, server.options.apiKey)) {
    exchange.sendJson(401, { error: 'Unauthorized' });
    return;
  }
  const handler = route?.methods[exchange.method];
  if (route === undefined || (exchange.path === '/metrics' && !server.options.enableMetrics)) {
    exchange.sendJson(404, { detail: 'Not Found' });
  } else if (handler === undefined) {
    const allow = Object.keys(route.methods).join(', ');
    exchange.sendJson(405, { detail: 'Method Not Allowed' }, [['allow', allow]]);
  } else {
    try {
      await handler(exchange, server);
    } catch (error) {
      answerError(exchange, server, route, error);
    }
  }
}

/** What SGLang's scheduler finds wrong, and not its HTTP process: such a request still runs one pass of one token. */
const refusedByScheduler = new Set(['NO_GRAMMAR_BACKEND', 'SESSION_UNKNOWN', 'INPUT_EXCEEDS_POOL']);

function answerError(exchange: Exchange, server: ServerState, route: Route, error: unknown): void {
  if (error instanceof CodedError && refusedByScheduler.has(error.code)) {
    submitOneTokenPass(server.engine, randomId());
  }
  if (exchange.isDisconnected || exchange.request.socket.destroyed) return;
  if (error instanceof CodedError || error instanceof ValidationError) {
    sendFailure(exchange, route.style ?? 'native', error, route.source);
  } else if (error instanceof UnsupportedMediaType) {
    exchange.sendJson(400, openAiError(400, 'Bad Request', unsupportedMediaTypeMessage));
  } else {
    server.log.uvicorn('ERROR', `Exception in ASGI application\n${(error as Error).stack ?? String(error)}`);
    if (exchange.hasStarted) exchange.reset();
    else exchange.send(500, 'Internal Server Error', 'text/plain; charset=utf-8', { hasVary: false });
  }
}

/** `OPTIONS`, health and metrics are open to everybody. */
function isAllowed({ method, path, request }: Exchange, apiKey: string | undefined): boolean {
  if (apiKey === undefined || method === 'OPTIONS') return true;
  if (path.startsWith('/health') || path.startsWith('/metrics')) return true;
  return secretsEqual(bearerToken(request.headers.authorization) ?? '', apiKey);
}

function isPreflight({ method, request }: Exchange): boolean {
  return method === 'OPTIONS' && 'origin' in request.headers && 'access-control-request-method' in request.headers;
}

function answerPreflight(exchange: Exchange): void {
  const asked = exchange.request.headers['access-control-request-headers'];
  const vary =
    'Origin, Access-Control-Request-Method, Access-Control-Request-Headers, Access-Control-Request-Private-Network';
  exchange.sendRaw(
    200,
    [
      ['vary', vary],
      ['access-control-allow-methods', 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, QUERY'],
      ['access-control-max-age', '600'],
      ['access-control-allow-credentials', 'true'],
      ['access-control-allow-origin', exchange.request.headers.origin!],
      ...(asked === undefined ? [] : [['access-control-allow-headers', asked] as const]),
      ['content-length', '2'],
      ['content-type', 'text/plain; charset=utf-8'],
    ],
    'OK',
  );
}
