import { coded, errorFactory } from '../shared/errors.ts';

/** Everything that the runner refuses, at its start or on its control surface. */
export const errors = {
  UNAUTHORIZED: coded(401, 'authentication_error', 'This route needs the fleet secret as a bearer token.'),
  NOT_FOUND: coded(404, 'invalid_request_error', 'The runner has no route {method} {path}.'),
  INVALID_REQUEST: coded(400, 'invalid_request_error', '{reason}'),
  INTERNAL: coded(500, 'internal_error', 'The runner failed on this request; its log says why.', { retryable: true }),

  PORT_IN_USE: coded(
    500,
    'startup_error',
    'Port {port} on {host} is in use. Stop what listens there, or choose another one with --port (0 for any free one).',
  ),
  DATA_DIR_IN_USE: coded(
    500,
    'startup_error',
    'Another runner (process {pid}, since {since}) uses the data folder {dataDir}. Choose another one with --data-dir.',
  ),
  DATA_DIR_UNWRITABLE: coded(
    500,
    'startup_error',
    'The data folder {dataDir} cannot be written ({reason}). Choose another one with --data-dir.',
  ),
  AGENTS_INVALID: coded(500, 'startup_error', '{mistakes}'),
  AGENTS_UNREADABLE: coded(
    500,
    'startup_error',
    'The file of agents {file} cannot be read ({reason}). Name another one with --agents.',
  ),
  ENGINE_URL_MISSING: coded(
    500,
    'startup_error',
    'An external engine needs its address: --engine-url http://HOST:PORT.',
  ),
  ENGINE_COMMAND_MISSING: coded(500, 'startup_error', 'Engine kind "command" needs --engine-command.'),
  MODEL_MISSING: coded(500, 'startup_error', 'A real SGLang engine needs --model, e.g. --model Qwen/Qwen3-0.6B.'),
  ENGINE_IMAGE_MISSING: coded(
    500,
    'startup_error',
    'Engine kind "container" needs --engine-image, e.g. --engine-image lmsysorg/sglang:v0.5.18.',
  ),
  ENGINE_ARGUMENTS_INVALID: coded(500, 'startup_error', 'The engine cannot run as asked:\n{mistakes}'),
  SIMULATOR_MISSING: coded(
    500,
    'startup_error',
    'This installation has no engine simulator ({file} does not exist). Give --model, --engine-image, --engine-command or --engine-url.',
  ),

  AWS_ACCESS_DENIED: coded(
    403,
    'aws_error',
    'AWS does not allow autoscaling:{action} on {resource}. Add it to the policy of the instance role. ({reason})',
  ),
  AWS_CREDENTIALS_REFUSED: coded(
    403,
    'aws_error',
    'There are no credentials that AWS takes for {action} on {resource}. Give the instance a role, or correct those in the environment. ({reason})',
  ),
  AWS_THROTTLED: coded(503, 'aws_error', 'AWS throttles {action} on {resource}. ({reason})', { retryable: true }),
  AWS_UNREACHABLE: coded(503, 'aws_error', '{action} on {resource} did not reach AWS in time. ({reason})', {
    retryable: true,
  }),
  AWS_CALL_REFUSED: coded(502, 'aws_error', 'AWS refused {action} on {resource}. ({reason})'),
} as const;

export const fail = errorFactory(errors);
