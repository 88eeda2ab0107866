import { Command, Option } from 'commander';
import { collectBaseUrls, parseIntegerIn, parsePort, parsePositiveNumber } from '../shared/options.ts';
import type { RouterConfig } from './config.ts';
import { policyNames } from './policy/policies.ts';

interface RouterFlags extends Omit<RouterConfig, 'workerUrls' | 'injectRid'> {
  readonly workerUrl: readonly string[];
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
    .addOption(option('--data-dir <folder>', 'folder of the embedded store (default: in memory)').env('FLEET_DATA_DIR'))
    .addOption(option('--asg <name>', 'Auto Scaling group whose instances are workers').env('FLEET_ASG'))
    .addOption(option('--region <name>', 'AWS region of the group (default: that of the instance)').env('AWS_REGION'))
    .addOption(
      option('--engine-port <port>', 'engine port on instances of the group')
        .env('FLEET_ENGINE_PORT')
        .argParser(parsePort)
        .default(7_999),
    )
    .addOption(
      option('--internal-secret <secret>', 'bearer secret of the internal routes; better given in the environment').env(
        'FLEET_INTERNAL_SECRET',
      ),
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
        .argParser(parsePositiveNumber)
        .default(30),
    )
    .addOption(
      option('--drain-seconds <seconds>', 'longest wait for answers in flight at shut-down')
        .env('FLEET_DRAIN_SECONDS')
        .argParser(parsePositiveNumber)
        .default(600),
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
    .action(async ({ workerUrl, rid, ...flags }: RouterFlags) => {
      const { runRouter } = await import('./run.ts');
      await runRouter({ ...flags, workerUrls: workerUrl, injectRid: rid });
    });
}
