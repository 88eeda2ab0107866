import { createEngineCore } from '../../../runtime/engine-sim/core/engine-core.ts';
import type { EngineCore, EngineEvent, EngineSettings, FinishReason } from '../../../runtime/engine-sim/core/types.ts';

/** Round figures: a prompt token takes 1 ms, a decode step 10 ms, nothing else costs. */
export const roundSettings: EngineSettings = {
  prefillTokensPerSecond: 1_000,
  prefillOverheadMs: 0,
  chunkedPrefillTokens: 1_000,
  decodeStepMs: 10,
  decodeMsPerRequest: 0,
  decodeMsPerThousandContextTokens: 0,
  maxTotalTokens: 100_000,
  maxRunningRequests: 100,
  maxQueuedRequests: undefined,
  cacheBlockTokens: 1,
  decodeLogInterval: 40,
};

export interface RequestSketch {
  readonly rid: string;
  /** Either the token ids or how many of them; a number makes a prompt that shares nothing with those of other rids. */
  readonly prompt: number | readonly number[];
  /** @default 1 */
  readonly maxNewTokens?: number;
  /** Tokens after which the model stops by itself. @default - never */
  readonly stopAfter?: number;
  /** @default 0 */
  readonly at?: number;
}

/** An engine whose events are kept, with questions to ask of them. */
export class RecordedEngine {
  readonly events: EngineEvent[] = [];
  readonly core: EngineCore;

  constructor(settings: Partial<EngineSettings> = {}) {
    this.core = createEngineCore({ ...roundSettings, ...settings }, (event) => this.events.push(event));
  }

  submit({ rid, prompt, maxNewTokens = 1, stopAfter, at = 0 }: RequestSketch): void {
    this.core.submit(
      {
        rid,
        prompt: typeof prompt === 'number' ? ownPrompt(rid, prompt) : prompt,
        maxNewTokens,
        generate: (position) => ({ token: generatedToken(position), stop: position + 1 === stopAfter }),
      },
      at,
    );
  }

  /** Runs until nothing is left to do; returns when that was. */
  runUntilIdle(): number {
    let now = 0;
    for (let at = this.core.nextEventAt(); at !== undefined; at = this.core.nextEventAt()) {
      now = at;
      this.core.advanceTo(at);
    }
    return now;
  }

  of<Kind extends EngineEvent['kind']>(kind: Kind): Extract<EngineEvent, { kind: Kind }>[] {
    return this.events.filter((event) => event.kind === kind) as Extract<EngineEvent, { kind: Kind }>[];
  }

  /** When the first token of a request came. */
  firstTokenAt(rid: string): number {
    return this.tokenTimes(rid)[0]!;
  }

  tokenTimes(rid: string): number[] {
    return this.of('token')
      .filter((event) => event.rid === rid)
      .map((event) => event.at);
  }

  finish(rid: string): { at: number; reason: FinishReason; generatedTokens: number; cachedTokens: number } | undefined {
    return this.of('finished').find((event) => event.rid === rid);
  }
}

/** What every request generates at a position; also the way to know its tokens afterwards. */
export function generatedToken(position: number): number {
  return 5_000_000 + position;
}

function ownPrompt(rid: string, length: number): number[] {
  const seed = [...rid].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) % 1_000;
  return Array.from({ length }, (_, position) => seed * 1_000_000 + position);
}
