import { closeSync, openSync, writeSync } from 'node:fs';
import type { EngineSettings } from './core/types.ts';
import { findPreset, renderPresets } from './preset-choice.ts';
import { type EngineServer, startEngineServer } from './server.ts';

/** The options of `fleet sim` as commander hands them over; an absent one keeps the preset's value. */
export interface SimulatorOptions {
  readonly port: number;
  readonly host: string;
  readonly servedModelName?: string;
  readonly modelPath?: string;
  readonly preset: string;
  readonly printPresets?: boolean;
  readonly timeScale: number;
  readonly startupSeconds: number;
  readonly skipServerWarmup?: boolean;
  readonly contextLength: number;
  readonly prefillRate?: number;
  readonly prefillOverheadMs?: number;
  readonly prefillDoublingContextTokens?: number;
  readonly scheduleConservativeness?: number;
  readonly chunkedPrefillSize?: number;
  readonly decodeStepMs?: number;
  readonly decodeMsPerRequest?: number;
  readonly decodeMsPerThousandTokens?: number;
  readonly maxTotalTokens?: number;
  readonly maxRunningRequests?: number;
  readonly maxQueuedRequests?: number;
  readonly pageSize?: number;
  readonly decodeLogInterval?: number;
  readonly meanOutputTokens: number;
  readonly incrementalStreamingOutput?: boolean;
  readonly isEmbedding?: boolean;
  readonly enableCacheReport: boolean;
  readonly enableMetrics: boolean;
  readonly apiKey?: string;
  readonly logFile?: string;
}

/** Runs a simulated engine until SIGTERM has drained it, or a second signal or SIGINT ends it at once. */
export async function runSimulator(options: SimulatorOptions): Promise<void> {
  if (options.printPresets) {
    process.stdout.write(renderPresets());
    return;
  }
  const log = openLog(options.logFile);
  let server: EngineServer | undefined;
  let isDraining = false;
  process.on('SIGINT', () => exit(130));
  process.on('SIGTERM', () => {
    if (server === undefined || isDraining) {
      exit(143);
    } else {
      isDraining = true;
      void server.drain().then(() => exit(0));
    }
  });
  const exit = (code: number): never => {
    log.close();
    process.exit(code);
  };
  const { servedModelName, modelPath, preset: _, printPresets: __, logFile: ___, ...given } = options;
  try {
    server = await startEngineServer({
      ...given,
      modelName: servedModelName ?? modelPath ?? 'simulated-model',
      settings: settingsOf(options),
      log: log.write,
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    log.write(
      `ERROR:    [Errno 98] error while attempting to bind on address ('${options.host}', ${options.port}): address already in use`,
    );
    exit(1);
  }
}

/** The preset's settings with what the command line says instead. */
export function settingsOf(options: SimulatorOptions): EngineSettings {
  const { settings } = findPreset(options.preset);
  return {
    ...settings,
    prefillTokensPerSecond: options.prefillRate ?? settings.prefillTokensPerSecond,
    prefillOverheadMs: options.prefillOverheadMs ?? settings.prefillOverheadMs,
    chunkedPrefillTokens: options.chunkedPrefillSize ?? settings.chunkedPrefillTokens,
    decodeStepMs: options.decodeStepMs ?? settings.decodeStepMs,
    decodeMsPerRequest: options.decodeMsPerRequest ?? settings.decodeMsPerRequest,
    decodeMsPerThousandContextTokens: options.decodeMsPerThousandTokens ?? settings.decodeMsPerThousandContextTokens,
    maxTotalTokens: options.maxTotalTokens ?? settings.maxTotalTokens,
    maxRunningRequests: options.maxRunningRequests ?? settings.maxRunningRequests,
    maxQueuedRequests: options.maxQueuedRequests ?? settings.maxQueuedRequests,
    cacheBlockTokens: options.pageSize ?? settings.cacheBlockTokens,
    decodeLogInterval: options.decodeLogInterval ?? settings.decodeLogInterval,
    prefillDoublingContextTokens: options.prefillDoublingContextTokens ?? settings.prefillDoublingContextTokens,
    scheduleConservativeness: options.scheduleConservativeness ?? settings.scheduleConservativeness,
  };
}

interface OpenLog {
  write(line: string): void;
  close(): void;
}

/** Lines are written at once: a killed engine leaves none behind. */
function openLog(file: string | undefined): OpenLog {
  if (file === undefined) {
    return { write: (line) => void process.stdout.write(`${line}\n`), close: () => {} };
  }
  const descriptor = openSync(file, 'a');
  return { write: (line) => void writeSync(descriptor, `${line}\n`), close: () => closeSync(descriptor) };
}
