import { coded, errorFactory } from '../shared/errors.ts';

/** Everything that the router itself can answer with. Engines' own errors pass through as they are. */
export const routerErrors = {
  BAD_HTTP_REQUEST: coded(400, 'invalid_request_error', 'This is no request that RFC 9112 allows: {detail}.'),
  REQUEST_TIMEOUT: coded(408, 'invalid_request_error', 'The request did not arrive in time; send it again.', {
    retryable: true,
  }),
  HEAD_TOO_LARGE: coded(431, 'invalid_request_error', 'The request line and headers exceed {limitBytes} bytes.'),
  UNSUPPORTED_TRANSFER_CODING: coded(
    501,
    'invalid_request_error',
    'Transfer-Encoding "{coding}" is not known here; send the body with a Content-Length or chunked.',
  ),
  UNSUPPORTED_HTTP_VERSION: coded(505, 'invalid_request_error', 'HTTP/{version} is not spoken here; use HTTP/1.1.'),
  MALFORMED_JSON: coded(400, 'invalid_request_error', 'The body is not valid JSON: {detail} at byte {offset}.'),
  INVALID_BODY: coded(400, 'invalid_request_error', 'The body is not what {route} takes: {detail}'),
  UNAUTHORIZED: coded(
    401,
    'authentication_error',
    'Missing or wrong credentials. Send "Authorization: Bearer <secret>".',
  ),
  FORBIDDEN: coded(403, 'permission_error', 'The API key "{keyId}" lacks the scope "{scope}" that this route needs.'),
  UNKNOWN_ROUTE: coded(
    404,
    'invalid_request_error',
    'There is no {method} {path} here. Generation endpoints are those of SGLang and of the OpenAI API; see GET /v1/models for the models.',
  ),
  UNKNOWN_MODEL: coded(
    404,
    'invalid_request_error',
    'The model "{model}" does not exist in this fleet. Served here: {served}.',
  ),
  UNKNOWN_RUNNER: coded(404, 'invalid_request_error', 'Runner "{runnerId}" is not registered here. Register it again.'),
  UNKNOWN_WORKER: coded(404, 'invalid_request_error', 'There is no worker "{worker}" here; see GET /list_workers.'),
  UNKNOWN_SESSION: coded(404, 'invalid_request_error', 'There is no session "{id}". See GET /api/sessions for yours.'),
  METHOD_NOT_ALLOWED: coded(405, 'invalid_request_error', '{path} takes POST, not {method}.'),
  WORKER_NOT_STATIC: coded(
    409,
    'invalid_request_error',
    'Worker "{worker}" is known from: {sources}. It leaves by its own drain (POST /drain on its runner, or scale-in); only workers that were added by URL can be removed here.',
  ),
  WORKER_WITHOUT_RUNNER: coded(
    409,
    'invalid_request_error',
    'Worker "{worker}" has no runner that is registered here, so nothing can drain it. One that was added by URL is taken out with POST /remove_worker.',
  ),
  SESSION_PAUSED: coded(
    409,
    'invalid_request_error',
    'Session {id} is paused ({reason}). Resume it with POST /api/sessions/{id}/resume, then send the message again.',
  ),
  SESSION_ENDED: coded(
    409,
    'invalid_request_error',
    'Session {id} has ended and cannot go on. Its transcript stays at GET /api/sessions/{id}; begin another with POST /api/sessions.',
  ),
  SESSION_STARTING: coded(
    409,
    'invalid_request_error',
    'Session {id} is starting. Try again in {retryAfterSeconds} s.',
    {
      retryable: true,
    },
  ),
  SESSION_BUSY: coded(
    409,
    'invalid_request_error',
    'Session {id} is answering another message: one at a time. Try again when that answer has ended.',
    { retryable: true },
  ),
  TURN_IN_PROGRESS: coded(
    409,
    'invalid_request_error',
    'The message with this Idempotency-Key is being answered. Send it again in {retryAfterSeconds} s for the recorded answer.',
    { retryable: true },
  ),
  TURN_SUPERSEDED: coded(
    409,
    'invalid_request_error',
    'Session {id} was paused, resumed or ended while this message was being answered. The answer is not recorded; see GET /api/sessions/{id}.',
    { retryable: true },
  ),
  BODY_TOO_LARGE: coded(
    413,
    'invalid_request_error',
    'The body is larger than the {limitBytes} bytes that this router takes (--max-body-bytes).',
  ),
  IDEMPOTENCY_MISMATCH: coded(
    422,
    'invalid_request_error',
    'This Idempotency-Key was used in session {id} for another message. Use a new key for each message.',
  ),
  SESSION_LIMIT: coded(
    429,
    'rate_limit_error',
    'The API key "{keyId}" has {limit} sessions, no more may live at a time (--max-sessions-per-key). End some with DELETE /api/sessions/<id>.',
  ),
  RATE_LIMITED: coded(
    429,
    'rate_limit_error',
    'The API key "{keyId}" is over its limit of {allowed} {limit}. Try again in {retryAfterSeconds} s.',
    { retryable: true },
  ),
  QUEUE_FULL: coded(
    429,
    'overloaded_error',
    'The fleet is busy: {running} requests are running and {waiting} wait ({waitingBytes} bytes), no more may. Try again in {retryAfterSeconds} s.',
    { retryable: true },
  ),
  INTERNAL: coded(
    500,
    'server_error',
    'The router failed on this request; its log has the details under the request id.',
    { retryable: true },
  ),
  RUNNER_UNREACHABLE: coded(
    502,
    'server_error',
    'The runner of worker "{worker}" did not take the call to {url}: {reason}',
    {
      retryable: true,
    },
  ),
  ROUTER_ENGINE_ONE_MODEL: coded(
    500,
    'server_error',
    'The fleet serves several models ({served}), but its sglang-router was started for one and would answer with any of them. Start the router with "-- --enable-igw".',
  ),
  ENGINE_UNREACHABLE: coded(
    502,
    'server_error',
    'No worker could answer: {attempts} tried, the last failed with: {detail}',
    { retryable: true },
  ),
  ENGINE_BROKE_OFF: coded(502, 'server_error', 'The worker went away in the middle of the answer: {detail}', {
    retryable: true,
  }),
  ENGINE_OVERLOADED: coded(503, 'overloaded_error', 'Every worker refused the request; the last said: {detail}', {
    retryable: true,
  }),
  HOLD_FULL: coded(
    503,
    'overloaded_error',
    'No worker is ready and {held} requests wait for one already. Try again in {retryAfterSeconds} s.',
    { retryable: true },
  ),
  NO_READY_WORKER: coded(
    503,
    'overloaded_error',
    'No worker is ready (waited {waitedSeconds} s). Try again in {retryAfterSeconds} s.',
    { retryable: true },
  ),
  ROUTER_ENGINE_DOWN: coded(
    503,
    'overloaded_error',
    'The sglang-router behind this router is not running (waited {waitedSeconds} s); it is being started again. Try again in {retryAfterSeconds} s.',
    { retryable: true },
  ),
  ROUTER_ENGINE_LOST: coded(
    503,
    'server_error',
    'The sglang-router behind this router went away before it answered: {detail}. Try again in {retryAfterSeconds} s.',
    { retryable: true },
  ),
  QUEUE_TIMEOUT: coded(
    503,
    'overloaded_error',
    'The request waited {waitedSeconds} s for its turn and the fleet is still busy. Try again in {retryAfterSeconds} s.',
    { retryable: true },
  ),
  NO_CAPACITY: coded(
    503,
    'overloaded_error',
    'No runner has room for another session. End or pause sessions, add workers, or raise --max-sandboxes on the runners as `fleet capacity` allows. Try again in {retryAfterSeconds} s.',
    { retryable: true },
  ),
  RUNNER_LOST: coded(
    503,
    'server_error',
    'The runner of session {id} is lost: {detail}. The session is paused, this message is not recorded. Resume it with POST /api/sessions/{id}/resume, then send the message again.',
    { retryable: true },
  ),
  STORE_UNAVAILABLE: coded(
    503,
    'server_error',
    "The router's database cannot be reached, so sessions stand still; inference does not need it. Try again in {retryAfterSeconds} s.",
    { retryable: true },
  ),
  SHUTTING_DOWN: coded(503, 'overloaded_error', 'This router is shutting down; try again.', { retryable: true }),
  TURN_TIMEOUT: coded(
    504,
    'server_error',
    'The answer in session {id} took longer than {limitSeconds} s (--turn-timeout-seconds). The session is paused, this message is not recorded. Resume it with POST /api/sessions/{id}/resume.',
    { retryable: true },
  ),
} as const;

export const routerError = errorFactory(routerErrors);
