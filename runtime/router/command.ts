import { Command, Option } from 'commander';
import { publishModes } from '../shared/cloudwatch/create-sink.ts';
import {
  collectBaseUrls,
  parseIntegerIn,
  parseNonNegativeNumber,
  parsePort,
  parsePositiveNumber,
} from '../shared/options.ts';
import type { RouterConfig } from './config.ts';
import { noKeys, parseKeyList } from './keys/key-list.ts';
import { type ManagedFlags, managedMistakes, managedOptions, routerEngines } from './managed/options.ts';
import { policyNames } from './policy/policies.ts';
import { collectWorkerGroups, type WorkerGroupOption } from './scaling/worker-groups.ts';

interface RouterFlags
  extends Omit<RouterConfig, 'workerUrls' | 'workerGroups' | 'injectRid' | 'managed'>,
    ManagedFlags {
  readonly workerUrl: readonly string[];
  readonly asg: readonly WorkerGroupOption[];
  readonly rid: boolean;
}

/** `fleet router`: every option can also be given as FLEET_<NAME> in the environment. */
export function routerCommand(): Command {
  const option = (flags: string, text: string) => new Option(flags, text);
  return new Command('router')
    .description('the daemon that clients talk to: one OpenAI-compatible address for all workers')
    .addOption(
      option('--port <port>', 'port to listen on, 0 for a free one')
        .env('FLEET_PORT')
        .argParser(parsePort)
        .default(8_000),
    )
    .addOption(option('--host <address>', 'address to listen on').env('FLEET_HOST').default('127.0.0.1'))
    .addOption(
      option('--worker-url <url>', 'an engine that is known from the start (repeatable)')
        .env('FLEET_WORKER_URL')
        .argParser(collectBaseUrls)
        .default([] as string[], 'none'),
    )
    .addOption(
      option('--policy <name>', 'how a worker is chosen')
        .env('FLEET_POLICY')
        .choices([...policyNames])
        .default('predicted-ttft'),
    )
    .addOption(
      option('--router-engine <name>', 'what carries requests: its own relay, or an sglang-router that it launches')
        .env('FLEET_ROUTER_ENGINE')
        .choices([...routerEngines])
        .default('builtin'),
    )
    .addOption(
      option('--sglang-router-python <program>', 'Python that has sglang-router (default: "python3")').env(
        'FLEET_SGLANG_ROUTER_PYTHON',
      ),
    )
    .addOption(
      option('--sglang-router-program <program>', 'its own program, sglang-router or smg, instead of a Python').env(
        'FLEET_SGLANG_ROUTER_PROGRAM',
      ),
    )
    .addOption(
      option('--sglang-router-arguments <text>', 'arguments for it, beside those after --').env(
        'FLEET_SGLANG_ROUTER_ARGUMENTS',
      ),
    )
    .addOption(option('--data-dir <folder>', 'folder of the embedded store (default: in memory)').env('FLEET_DATA_DIR'))
    .addOption(
      option('--database-url <url>', 'Postgres that several routers share, instead of the embedded store').env(
        'FLEET_DATABASE_URL',
      ),
    )
    .addOption(
      option(
        '--database-secret <name>',
        'secret of AWS Secrets Manager with the password for it, as RDS makes them; name or ARN',
      ).env('FLEET_DATABASE_SECRET'),
    )
    .addOption(
      option('--session-idle-seconds <seconds>', 'a session without a message for so long is paused')
        .env('FLEET_SESSION_IDLE_SECONDS')
        .argParser(parsePositiveNumber)
        .default(1_800),
    )
    .addOption(
      option('--session-end-seconds <seconds>', 'a session that was paused for so long is ended')
        .env('FLEET_SESSION_END_SECONDS')
        .argParser(parsePositiveNumber)
        .default(604_800),
    )
    .addOption(
      option(
        '--session-retention-hours <hours>',
        'an ended session is deleted after so long, with its transcript; 0 keeps it',
      )
        .env('FLEET_SESSION_RETENTION_HOURS')
        .argParser(parseIntegerIn(0, 1e6))
        .default(720),
    )
    .addOption(
      option('--max-sessions-per-key <count>', 'sessions of one API key that have not ended')
        .env('FLEET_MAX_SESSIONS_PER_KEY')
        .argParser(parseIntegerIn(1, 1e9))
        .default(10_000),
    )
    .addOption(
      option('--turn-timeout-seconds <seconds>', 'longest time for the answer to one message of a session')
        .env('FLEET_TURN_TIMEOUT_SECONDS')
        .argParser(parsePositiveNumber)
        .default(600),
    )
    .addOption(
      option(
        '--local-sandboxes <count>',
        'sessions whose agents this router runs itself, for one machine without runners',
      )
        .env('FLEET_LOCAL_SANDBOXES')
        .argParser(parseIntegerIn(0, 100_000))
        .default(0),
    )
    .addOption(
      option('--agents <file>', 'YAML file of agents for them beside "chat"; see docs/agents.md').env('FLEET_AGENTS'),
    )
    .addOption(
      option(
        '--asg <name>',
        'Auto Scaling group whose instances are workers; of several each with its model, as NAME=MODEL (repeatable)',
      )
        .env('FLEET_ASG')
        .argParser(collectWorkerGroups)
        .default([] as WorkerGroupOption[], 'none'),
    )
    .addOption(option('--region <name>', 'AWS region of the group (default: that of the instance)').env('AWS_REGION'))
    .addOption(
      option('--start-workers <count>', 'instances to start when requests wait and the group is at zero; 0 for never')
        .env('FLEET_START_WORKERS')
        .argParser(parseIntegerIn(0, 1_000))
        .default(1),
    )
    .addOption(
      option('--publish <how>', "how the group's metrics reach CloudWatch (default: mixed with --asg, none without)")
        .env('FLEET_PUBLISH')
        .choices(['none', ...publishModes]),
    )
    .addOption(
      option('--metric-namespace <name>', 'CloudWatch namespace of these metrics (default: SGLang/Fleet)').env(
        'FLEET_METRIC_NAMESPACE',
      ),
    )
    .addOption(
      option('--emf-file <path>', 'file for metrics in log lines, for the CloudWatch agent (default: stdout)').env(
        'FLEET_EMF_FILE',
      ),
    )
    .addOption(
      option('--engine-port <port>', 'engine port on instances of the group')
        .env('FLEET_ENGINE_PORT')
        .argParser(parsePort)
        .default(7_999),
    )
    .addOption(
      option('--runner-port <port>', 'runner port on instances of the group')
        .env('FLEET_RUNNER_PORT')
        .argParser(parsePort)
        .default(4_200),
    )
    .addOption(
      option(
        '--internal-secret <secret>',
        'bearer secret of the internal routes, better given in the environment, or aws-secretsmanager:NAME-OR-ARN',
      ).env('FLEET_INTERNAL_SECRET'),
    )
    .addOption(
      option('--max-body-bytes <bytes>', 'largest request body')
        .env('FLEET_MAX_BODY_BYTES')
        .argParser(parseIntegerIn(1_024, 2 ** 31))
        .default(64 * 1024 * 1024),
    )
    .addOption(
      option('--hold-seconds <seconds>', 'longest wait of a request for a ready worker')
        .env('FLEET_HOLD_SECONDS')
        .argParser(parseNonNegativeNumber)
        .default(30),
    )
    .addOption(
      option('--drain-seconds <seconds>', 'longest wait for answers in flight at shut-down')
        .env('FLEET_DRAIN_SECONDS')
        .argParser(parseNonNegativeNumber)
        .default(600),
    )
    .addOption(
      option(
        '--keep-alive-seconds <seconds>',
        'how long a silent connection of a client stays open; more than load balancers in front allow',
      )
        .env('FLEET_KEEP_ALIVE_SECONDS')
        .argParser(parsePositiveNumber)
        .default(910),
    )
    .addOption(
      option('--heartbeat-seconds <seconds>', 'longest silence of a stream before it gets a comment')
        .env('FLEET_HEARTBEAT_SECONDS')
        .argParser(parsePositiveNumber)
        .default(15),
    )
    .addOption(
      option('--prefix-memory-mb <MiB>', "memory for what is remembered of the workers' caches")
        .env('FLEET_PREFIX_MEMORY_MB')
        .argParser(parseIntegerIn(1, 65_536))
        .default(128),
    )
    .addOption(
      option('--admin-port <port>', 'second listener for internal, admin and metrics routes (default: the same port)')
        .env('FLEET_ADMIN_PORT')
        .argParser(parsePort),
    )
    .addOption(
      option('--api-keys <list>', 'keys that clients need, as id:key,...; better given in the environment')
        .env('FLEET_API_KEYS')
        .argParser(parseKeyList)
        .default(noKeys, 'none: open to everybody'),
    )
    .addOption(option('--api-keys-file <file>', 'YAML or JSON file of API keys').env('FLEET_API_KEYS_FILE'))
    .addOption(
      option('--max-concurrent-requests <count>', 'requests that run at the same time')
        .env('FLEET_MAX_CONCURRENT_REQUESTS')
        .argParser(parseIntegerIn(1, 1e9))
        .default(Number.POSITIVE_INFINITY, 'no cap'),
    )
    .addOption(
      option('--max-concurrent-per-worker <count>', 'requests that run at the same time on one worker')
        .env('FLEET_MAX_CONCURRENT_PER_WORKER')
        .argParser(parseIntegerIn(1, 1e9))
        .default(Number.POSITIVE_INFINITY, 'no cap'),
    )
    .addOption(
      option('--queue-size <count>', 'requests that may wait while a cap is reached')
        .env('FLEET_QUEUE_SIZE')
        .argParser(parseIntegerIn(0, 1e6))
        .default(1_000),
    )
    .addOption(
      option('--queue-bytes <bytes>', 'bytes of bodies that may wait')
        .env('FLEET_QUEUE_BYTES')
        .argParser(parseIntegerIn(0, 2 ** 40))
        .default(256 * 1024 * 1024),
    )
    .addOption(
      option('--queue-timeout-seconds <seconds>', 'longest wait in the queue')
        .env('FLEET_QUEUE_TIMEOUT_SECONDS')
        .argParser(parsePositiveNumber)
        .default(60),
    )
    .addOption(option('--tls-cert <file>', 'certificate of the listeners, PEM').env('FLEET_TLS_CERT'))
    .addOption(option('--tls-key <file>', 'its key, PEM').env('FLEET_TLS_KEY'))
    .addOption(option('--engine-ca <file>', "authorities of https engines' certificates, PEM").env('FLEET_ENGINE_CA'))
    .addOption(
      option('--engine-insecure', 'take any certificate from engines').env('FLEET_ENGINE_INSECURE').default(false),
    )
    .addOption(
      option('--engine-api-key <key>', 'key that the engines want; better given in the environment').env(
        'FLEET_ENGINE_API_KEY',
      ),
    )
    .option('--no-rid', 'do not give requests an id on the engine (a client that leaves is then noticed later)')
    .addOption(
      option('--time-scale <factor>', 'for engines that run faster than real time')
        .env('FLEET_TIME_SCALE')
        .argParser(parsePositiveNumber)
        .default(1),
    )
    .addOption(
      option('--log-level <level>', 'least important line that is logged')
        .env('FLEET_LOG_LEVEL')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info'),
    )
    .argument('[arguments...]', 'after --: passed to sglang-router as they are')
    .action(async (engineArguments: string[], { workerUrl, asg, rid, ...flags }: RouterFlags, command: Command) => {
      const isGiven = (name: string) => !['default', undefined].includes(command.getOptionValueSource(name));
      const mistakes = managedMistakes(flags, engineArguments, isGiven);
      if (mistakes.length > 0) command.error(`error: ${mistakes.join('\n       ')}`);
      const managed = managedOptions(flags, engineArguments);
      const { runRouter } = await import('./run.ts');
      await runRouter({ ...flags, managed, workerUrls: workerUrl, workerGroups: asg, injectRid: rid });
    });
}
