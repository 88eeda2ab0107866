import { Command, InvalidArgumentError } from 'commander';
import { parseIntegerIn, parsePort, parsePositiveNumber } from '../shared/options.ts';

const parseCount = parseIntegerIn(1, Number.MAX_SAFE_INTEGER);
const parseNatural = parseIntegerIn(0, Number.MAX_SAFE_INTEGER);

function parseNonNegative(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
    throw new InvalidArgumentError('expected a number that is not below 0.');
  }
  return value;
}

/** `fleet sim`. Flags that SGLang has too carry its names. */
export function simCommand(): Command {
  return (
    new Command('sim')
      .description('a simulated SGLang engine: its HTTP interface, log and timing without a GPU')
      .option('--port <port>', 'port to listen on, 0 for any free one', parsePort, 7_999)
      .option('--host <address>', 'address to listen on', '127.0.0.1')
      .option('--model-name, --served-model-name <name>', 'name under which the model is served')
      .option('--model, --model-path <name>', 'taken as the name when no other is given')
      .option('--preset <name>', 'engine settings by name, see --print-presets', 'default')
      .option('--print-presets', 'print the presets with the sources of their figures, and exit')
      .option('--time-scale <factor>', 'how many times faster than real time', parsePositiveNumber, 1)
      .option(
        '--startup-seconds <seconds>',
        'engine time that loading takes; the port is closed meanwhile',
        parseNonNegative,
        0,
      )
      .option('--skip-server-warmup', 'be ready without a warm-up request')
      .option('--context-length <tokens>', 'longest prompt and answer together', parseCount, 131_072)
      .option('--prefill-rate <tokens/s>', 'uncached prompt tokens per second', parsePositiveNumber)
      .option('--prefill-overhead-ms <ms>', 'cost of a prefill pass beside its tokens', parseNonNegative)
      .option(
        '--prefill-doubling-context-tokens <tokens>',
        'context at which a prompt token costs twice as much as the first',
        parsePositiveNumber,
      )
      .option(
        '--schedule-conservativeness <factor>',
        'below 1 more is admitted and more retracted',
        parsePositiveNumber,
      )
      .option('--chunked-prefill-size <tokens>', 'most prompt tokens of one prefill pass', parseCount)
      .option('--decode-step-ms <ms>', 'one decode step of one short request', parsePositiveNumber)
      .option('--decode-ms-per-request <ms>', 'added to a decode step per running request', parseNonNegative)
      .option('--decode-ms-per-thousand-tokens <ms>', 'added per 1,000 tokens of context', parseNonNegative)
      .option('--max-total-tokens <tokens>', 'size of the KV pool', parseCount)
      .option('--max-running-requests <count>', 'most requests in one decode step', parseCount)
      .option('--max-queued-requests <count>', 'bound on the waiting queue', parseNatural)
      .option('--page-size <tokens>', 'granularity of the prefix cache', parseCount)
      .option('--decode-log-interval <steps>', 'decode steps between two log lines', parseCount)
      .option(
        '--mean-output-tokens <tokens>',
        'mean length of an answer without a limit, 0 for endless',
        parseNatural,
        200,
      )
      .option('--incremental-streaming-output', 'native streams carry only what is new')
      .option('--is-embedding', 'serve embeddings')
      .option('--no-enable-cache-report', 'leave cached_tokens out of usage')
      .option('--no-enable-metrics', 'answer /metrics with 404')
      .option('--api-key <key>', 'demanded as bearer token on everything but health and metrics')
      .option('--log-file <file>', 'append the log to a file instead of standard output')
      // Launchers pass whatever flags their real engine takes.
      .allowUnknownOption()
      .allowExcessArguments()
      .action(async (options, command: Command) => {
        const { runSimulator } = await import('./main.ts');
        try {
          await runSimulator(options);
        } catch (error) {
          if (error instanceof InvalidArgumentError) command.error(`error: ${error.message}`);
          throw error;
        }
      })
  );
}
