import { Command, Option } from 'commander';
import { collectBaseUrls, parseBaseUrl, parseIntegerIn, parsePort, parsePositiveNumber } from '../shared/options.ts';
import { collectEngineSettings } from './engine/arguments/collect-settings.ts';
import { engineKinds, machineKinds, type RunnerFlags } from './options.ts';

export function runnerCommand(): Command {
  const seconds = parseIntegerIn(0, 86_400);
  return new Command('runner')
    .description('the daemon on a worker: launches an engine, registers it with the routers, drains it')
    .addOption(
      new Option('--router-url <url>', 'router to register with (repeatable, or a comma-separated list)')
        .env('SGLANG_ROUTER_URL')
        .argParser(collectBaseUrls),
    )
    .addOption(new Option('--host <address>', 'address at which routers reach this machine').env('FLEET_HOST'))
    .addOption(
      new Option('--listen-host <address>', 'address to listen on').env('FLEET_LISTEN_HOST').default('127.0.0.1'),
    )
    .addOption(
      new Option('--port <port>', 'control port, 0 for a free one')
        .env('FLEET_PORT')
        .argParser(parsePort)
        .default(4200),
    )
    .addOption(
      new Option('--runner-id <id>', 'name of this runner (default: instance id, or host name and port)').env(
        'FLEET_RUNNER_ID',
      ),
    )
    .addOption(new Option('--instance-id <id>', 'EC2 instance id').env('FLEET_INSTANCE_ID'))
    .addOption(
      new Option('--max-sandboxes <count>', 'sandboxes that fit on this machine')
        .env('FLEET_MAX_SANDBOXES')
        .argParser(parseIntegerIn(0, 100_000))
        .default(8),
    )
    .addOption(
      new Option('--sandbox-memory-mb <MiB>', 'memory that one sandbox may have for itself, 0 for no limit')
        .env('FLEET_SANDBOX_MEMORY_MB')
        .argParser(parseIntegerIn(0, 1_048_576))
        .default(256),
    )
    .addOption(
      new Option(
        '--sandbox-idle-seconds <seconds>',
        'a sandbox without a message for this long is ended: one that no router remembers, since routers pause sooner',
      )
        .env('FLEET_SANDBOX_IDLE_SECONDS')
        .argParser(parseIntegerIn(1, 604_800))
        .default(86_400),
    )
    .addOption(
      new Option('--warm-sandboxes <count>', 'sandboxes to keep started and waiting for a session')
        .env('FLEET_WARM_SANDBOXES')
        .argParser(parseIntegerIn(0, 1_000))
        .default(2),
    )
    .addOption(
      new Option(
        '--agents <file>',
        'YAML file that declares agents beside the built-in "chat"; see docs/agents.md',
      ).env('FLEET_AGENTS'),
    )
    .addOption(
      new Option('--engine <kind>', 'engine to run (default: what the other options imply, else the simulator)')
        .env('FLEET_ENGINE')
        .choices(engineKinds),
    )
    .addOption(
      new Option('--engine-port <port>', "the engine's port, 0 for a free one")
        .env('FLEET_ENGINE_PORT')
        .argParser(parsePort)
        .default(7999),
    )
    .addOption(
      new Option('--engine-url <url>', 'an engine that already runs').env('FLEET_ENGINE_URL').argParser(parseBaseUrl),
    )
    .addOption(
      new Option(
        '--engine-command <command>',
        'shell command that runs an engine; {host}, {port} and {model} are filled in',
      ).env('FLEET_ENGINE_COMMAND'),
    )
    .addOption(
      new Option('--model <model>', 'model path or name; alone it means a real SGLang engine').env('FLEET_MODEL'),
    )
    .addOption(new Option('--python <program>', 'Python that has SGLang').env('FLEET_PYTHON').default('python3'))
    .addOption(
      new Option(
        '--engine-setting <name=value>',
        'an SGLang flag by our name or its own, e.g. tensorParallelSize=2; repeatable, or one JSON object',
      )
        .env('FLEET_ENGINE_SETTINGS')
        .argParser(collectEngineSettings),
    )
    .addOption(
      new Option('--engine-image <image>', 'container image that has SGLang, e.g. lmsysorg/sglang:v0.5.18').env(
        'FLEET_ENGINE_IMAGE',
      ),
    )
    .addOption(
      new Option('--container-program <program>', 'docker, or a program with the same arguments')
        .env('FLEET_CONTAINER_PROGRAM')
        .default('docker'),
    )
    .addOption(
      new Option(
        '--container-option <option>',
        'an option for "docker run", such as --container-option=--volume=/models:/models (repeatable)',
      ).argParser((option: string, earlier: readonly string[] = []) => [...earlier, option]),
    )
    .addOption(
      new Option('--container-name <name>', "the container's name (default: made from the data folder)").env(
        'FLEET_CONTAINER_NAME',
      ),
    )
    .addOption(
      new Option('--startup-silence-seconds <seconds>', 'a starting engine that logs nothing for this long is ended')
        .env('FLEET_STARTUP_SILENCE_SECONDS')
        .argParser(seconds)
        .default(900),
    )
    .addOption(
      new Option('--startup-max-seconds <seconds>', 'longest start whatever the engine logs, 0 for no limit')
        .env('FLEET_STARTUP_MAX_SECONDS')
        .argParser(seconds)
        .default(0),
    )
    .addOption(
      new Option(
        '--give-up-after <launches>',
        'launches in a row without a generation after which the engine counts as beyond repair',
      )
        .env('FLEET_GIVE_UP_AFTER')
        .argParser(parseIntegerIn(1, 1_000))
        .default(5),
    )
    .addOption(
      new Option('--drain-seconds <seconds>', 'longest wait for requests in flight at the end')
        .env('FLEET_DRAIN_SECONDS')
        .argParser(seconds)
        .default(120),
    )
    .addOption(
      new Option('--machine <kind>', 'whose notices to follow (auto: EC2 where this runs on it)')
        .env('FLEET_MACHINE')
        .choices(machineKinds)
        .default('auto'),
    )
    .addOption(
      new Option('--asg <name>', 'Auto Scaling group of this machine (default: what the instance says)').env(
        'FLEET_ASG',
      ),
    )
    .addOption(new Option('--region <name>', 'AWS region (default: that of the instance)').env('AWS_REGION'))
    .addOption(
      new Option('--launch-hook <name>', 'launch hook of the group, completed after the first generation')
        .env('FLEET_LAUNCH_HOOK')
        .default('fleet-launch'),
    )
    .addOption(
      new Option('--terminate-hook <name>', 'terminate hook of the group, completed after the drain')
        .env('FLEET_TERMINATE_HOOK')
        .default('fleet-terminate'),
    )
    .addOption(
      new Option('--hook-timeout-seconds <seconds>', 'heartbeat time-out that these hooks have, or less')
        .env('FLEET_HOOK_TIMEOUT_SECONDS')
        .argParser(parseIntegerIn(30, 7_200))
        .default(90),
    )
    .addOption(
      new Option(
        '--prepare-command <command>',
        'shell command that prepares a machine for the warm pool; {model} is filled in (default: start the engine once)',
      ).env('FLEET_PREPARE_COMMAND'),
    )
    .addOption(
      new Option('--data-dir <folder>', 'state that outlives the process')
        .env('FLEET_DATA_DIR')
        .default('.fleet/runner'),
    )
    .addOption(
      new Option('--log-dir <folder>', 'folder of engine.log (default: logs in the data folder)').env('FLEET_LOG_DIR'),
    )
    .addOption(
      new Option(
        '--internal-secret <secret>',
        'bearer secret of the internal routes, better given in the environment, or aws-secretsmanager:NAME-OR-ARN',
      ).env('FLEET_INTERNAL_SECRET'),
    )
    .addOption(
      new Option('--time-scale <factor>', 'run this much faster than real time (simulated engines and tests)')
        .env('FLEET_TIME_SCALE')
        .argParser(parsePositiveNumber)
        .default(1),
    )
    .argument('[engineArguments...]', 'after --: passed to the engine as they are')
    .action(async (engineArguments: string[], flags: RunnerFlags) => {
      const { runRunner } = await import('./run.ts');
      await runRunner(flags, engineArguments);
    });
}
