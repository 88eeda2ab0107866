import { fail } from '../errors.ts';
import type { Exchange } from '../http/exchange.ts';
import type { ServerState } from '../server-state.ts';
import { isSet, numberField, textField } from '../validation/field-checks.ts';
import { ValidationError } from '../validation/validation-error.ts';
import { readJson } from './request-body.ts';

/** POST /abort_request: always 200, whether or not there was anything to abort. */
export async function abortRequest(exchange: Exchange, server: ServerState): Promise<void> {
  const body = await readJson(exchange);
  const rid = textField(body, 'rid') ?? '';
  // SGLang answers as soon as the abort is on its way to the scheduler.
  exchange.send(200, '');
  if (isSet(body, 'abort_all')) server.inFlight.abortAll();
  else if (rid === '') server.log.line('Ignore abort_request with empty rid and abort_all=False');
  else server.inFlight.abort(rid);
}

/** GET or POST /flush_cache */
export function flushCache(exchange: Exchange, server: ServerState): void {
  const note =
    'Please check backend logs for more details. ' +
    '(When there are running or waiting requests, the operation will not be performed.)\n';
  if (server.engine.flushCache()) {
    server.log.line('Cache flushed successfully!');
    exchange.send(200, `Cache flushed.\n${note}`);
  } else {
    const { waitingRequests, runningRequests } = server.engine.core.snapshot();
    const counts = `#queue-req: ${waitingRequests}, #running-req: ${runningRequests}`;
    server.log.line(`Cache not flushed because there are pending requests. ${counts}`);
    exchange.send(400, 'Flush cache failed.\n');
  }
}

/** GET or POST /open_session */
export async function openSession(exchange: Exchange, server: ServerState): Promise<void> {
  const body = await readJson(exchange);
  if (numberField(body, 'capacity_of_str_len') === undefined) {
    const loc = ['body', 'capacity_of_str_len'];
    throw new ValidationError([{ type: 'missing', loc, msg: 'Field required', input: body }]);
  }
  const wanted = textField(body, 'session_id');
  try {
    const id = server.sessions.open(wanted);
    server.log.line(`Session opened: ${id} (active=${server.sessions.active})`);
    exchange.sendJson(200, id);
  } catch (error) {
    server.log.line(`session id ${wanted} already exist, cannot open.`);
    throw error;
  }
}

/** GET or POST /close_session: 200 for any id. */
export async function closeSession(exchange: Exchange, server: ServerState): Promise<void> {
  const id = textField(await readJson(exchange), 'session_id') ?? '';
  server.log.line(
    server.sessions.close(id)
      ? `Session closed: ${id} (active=${server.sessions.active})`
      : `session id ${id} does not exist, cannot delete.`,
  );
  exchange.send(200, '');
}

/** For routes that only an embedding model serves. */
export function refuseEmbedding(): never {
  throw fail('NOT_AN_EMBEDDING_MODEL');
}
