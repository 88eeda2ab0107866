import { coded, errorFactory } from '../shared/errors.ts';

/** Everything that sandboxes refuse or fail with, on a runner and in a router that hosts them itself. */
export const errors = {
  UNKNOWN_AGENT: coded(404, 'invalid_request_error', 'There is no agent "{agent}". Agents here are {known}.'),
  UNKNOWN_SANDBOX: coded(
    404,
    'invalid_request_error',
    'Session {sessionId} has no sandbox here. Make one with POST /sandboxes, with what is to be restored.',
  ),
  SANDBOX_BUSY: coded(409, 'invalid_request_error', 'The sandbox of session {sessionId} still answers turn {turnId}.', {
    retryable: true,
  }),
  NO_CAPACITY: coded(
    503,
    'overloaded_error',
    'All {maxSandboxes} sandboxes are taken. End a session, add a worker, or raise --max-sandboxes as `fleet capacity` allows.',
    { retryable: true },
  ),
  RUNNER_DRAINING: coded(503, 'overloaded_error', 'This runner is going away and takes no new work.', {
    retryable: true,
  }),
  SANDBOX_DIED: coded(502, 'sandbox_error', 'The sandbox of agent "{agent}" died: {reason}.', { retryable: true }),
  SANDBOX_TIMEOUT: coded(504, 'sandbox_error', 'The sandbox of agent "{agent}" was ended: {reason}.', {
    retryable: true,
  }),
  SANDBOX_OUTPUT_LIMIT: coded(502, 'sandbox_error', 'The sandbox of agent "{agent}" was ended: {reason}.'),
  SANDBOX_OUT_OF_MEMORY: coded(502, 'sandbox_error', 'The sandbox of agent "{agent}" was ended: {reason}.'),
  AGENT_ERROR: coded(502, 'sandbox_error', 'Agent "{agent}" failed on this turn: {reason}'),
  TURN_CANCELLED: coded(499, 'invalid_request_error', 'Turn {turnId} was cancelled.'),
  ENGINE_UNAVAILABLE: coded(503, 'overloaded_error', 'The engine did not answer this turn: {reason}', {
    retryable: true,
  }),
  ENGINE_REFUSED: coded(400, 'invalid_request_error', 'The engine refused this turn: {reason}'),
} as const;

export const fail = errorFactory(errors);

/** Why a sandbox's process came to its end. */
export type DeathCode = 'SANDBOX_DIED' | 'SANDBOX_TIMEOUT' | 'SANDBOX_OUTPUT_LIMIT' | 'SANDBOX_OUT_OF_MEMORY';

export interface Death {
  readonly code: DeathCode;
  /** Ends the sentence "The sandbox died: ...". */
  readonly reason: string;
}
