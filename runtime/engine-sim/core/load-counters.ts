import type { EngineLoadSnapshot } from './types.ts';

/** Counters of the engine's life and the two throughputs that SGLang's batch lines show. */
export class LoadCounters {
  promptTokens = 0;
  cachedTokens = 0;
  generatedTokens = 0;
  finishedRequests = 0;
  abortedRequests = 0;
  retractions = 0;
  decodeIterations = 0;
  #prefillReportAt: number;
  #decodeReportAt: number;
  #decodedSinceReport = 0;

  /** @param startedAt engine time in ms; the first throughputs count from here, as SGLang's do */
  constructor(startedAt: number) {
    this.#prefillReportAt = startedAt;
    this.#decodeReportAt = startedAt;
  }

  totals(): EngineLoadSnapshot['totals'] {
    const { promptTokens, cachedTokens, generatedTokens, finishedRequests, abortedRequests, retractions } = this;
    return { promptTokens, cachedTokens, generatedTokens, finishedRequests, abortedRequests, retractions };
  }

  /** A prompt whose first prefill is complete. */
  countPrompt(promptTokens: number, cachedTokens: number): void {
    this.promptTokens += promptTokens;
    this.cachedTokens += cachedTokens;
  }

  /** A decode step that made so many tokens. */
  countDecoded(tokens: number): void {
    this.decodeIterations++;
    this.#decodedSinceReport += tokens;
  }

  /** Prompt tokens per second of this pass over the time since the previous pass's report. */
  reportPrefill(newTokens: number, at: number): number {
    const rate = perSecond(newTokens, at - this.#prefillReportAt);
    this.#prefillReportAt = at;
    return rate;
  }

  /** Decoded tokens per second since the previous report. */
  reportDecode(at: number): number {
    const rate = this.decodedPerSecond(at);
    this.#decodeReportAt = at;
    this.#decodedSinceReport = 0;
    return rate;
  }

  decodedPerSecond(at: number): number {
    return perSecond(this.#decodedSinceReport, at - this.#decodeReportAt);
  }
}

function perSecond(count: number, durationMs: number): number {
  return durationMs > 0 ? (1_000 * count) / durationMs : 0;
}
