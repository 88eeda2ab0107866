import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { LineSplitter } from './line-splitter.ts';
import type { LogEvent } from './log-event.ts';
import { parseLogLine } from './parse-line.ts';

export interface PrintOptions {
  /** Every kind of event with every detail, instead of batch lines with their four documented keys. */
  readonly all: boolean;
}

/** Prints the log `file`, or standard input for `-`, to stdout. Ends the process with status 1 when it cannot be read. */
export async function printParsedLog(file: string, options: PrintOptions): Promise<void> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  try {
    await pipeline(input, (chunks: AsyncIterable<Buffer>) => formatParsedLog(chunks, options), process.stdout, {
      end: false,
    });
  } catch (error) {
    const { code, syscall, message } = error as NodeJS.ErrnoException;
    // The reader of our output has seen enough: `fleet logs parse FILE | head`.
    if (code === 'EPIPE') return;
    if (syscall !== 'open' && syscall !== 'read') throw error;
    process.stderr.write(`Cannot read the log ${file}: ${message}\n`);
    process.exitCode = 1;
  }
}

/** The output for `chunks` of a log, in pieces that end at line ends. */
export async function* formatParsedLog(chunks: AsyncIterable<Buffer>, options: PrintOptions): AsyncGenerator<string> {
  const splitter = new LineSplitter();
  for await (const chunk of chunks) yield formatLines(splitter.push(chunk), options);
  const unfinished = splitter.end();
  if (unfinished !== undefined) yield formatLines([unfinished], options);
}

function formatLines(lines: readonly string[], options: PrintOptions): string {
  let text = '';
  for (const line of lines) {
    const event = parseLogLine(line);
    const shown = event && (options.all ? event : documentedBatch(event));
    if (shown) text += `${JSON.stringify(shown)}\n`;
  }
  return text;
}

function documentedBatch(event: LogEvent): object | undefined {
  if (event.kind !== 'prefill' && event.kind !== 'decode') return undefined;
  const { kind, time, rank, fields } = event;
  return { kind, time, rank, fields };
}
