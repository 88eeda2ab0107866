import { Command, Option } from 'commander';
import { policyNames } from '../router/policy/policies.ts';
import { collectBaseUrls, parseIntegerIn, parsePort, parsePositiveNumber } from '../shared/options.ts';
import type { UpFlags } from './up/options.ts';

/** `fleet up`: what `npm start` runs. */
export function upCommand(): Command {
  return new Command('up')
    .description('a whole fleet on this machine: a router and workers, with simulated engines unless told otherwise')
    .addOption(new Option('--port <port>', "the router's port").env('FLEET_PORT').argParser(parsePort).default(8_000))
    .addOption(new Option('--host <address>', 'address to listen on').env('FLEET_HOST').default('127.0.0.1'))
    .addOption(
      new Option('--workers <count>', 'workers to start (default: 3, with --model 1)')
        .env('FLEET_WORKERS')
        .argParser(parseIntegerIn(1, 64)),
    )
    .addOption(
      new Option('--policy <name>', 'how the router chooses a worker').env('FLEET_POLICY').choices([...policyNames]),
    )
    .addOption(new Option('--preset <name>', 'speed and size of the simulated engines').env('FLEET_PRESET'))
    .addOption(
      new Option('--time-scale <factor>', 'let simulated engines run this much faster than real ones')
        .env('FLEET_TIME_SCALE')
        .argParser(parsePositiveNumber)
        .default(1),
    )
    .addOption(
      new Option('--engine-url <url>', 'an engine that already runs, instead of workers (repeatable)')
        .env('FLEET_ENGINE_URL')
        .argParser(collectBaseUrls),
    )
    .addOption(new Option('--model <model>', 'launch real SGLang with this model').env('FLEET_MODEL'))
    .addOption(new Option('--python <program>', 'Python that has SGLang').env('FLEET_PYTHON').default('python3'))
    .addOption(new Option('--data-dir <folder>', 'state and logs').env('FLEET_DATA_DIR').default('.fleet'))
    .addOption(
      new Option('--drain-seconds <seconds>', 'longest wait for requests in flight after Ctrl-C')
        .env('FLEET_DRAIN_SECONDS')
        .argParser(parseIntegerIn(0, 86_400))
        .default(30),
    )
    .argument('[engineArguments...]', 'after --: passed to every engine as they are')
    .action(async (engineArguments: string[], flags: UpFlags) => {
      const { runUp } = await import('./up/run.ts');
      await runUp(flags, engineArguments);
    });
}
