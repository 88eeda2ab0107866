import { Sequence } from '../generation/sequence.ts';
import { type Sampling, sequenceSpec } from '../requests/sampling.ts';
import type { ServerState } from '../server-state.ts';

/** A sequence for this server, arriving now. Throws a coded error when it does not fit. */
export function newSequence(server: ServerState, rid: string, prompt: Int32Array, sampling: Sampling): Sequence {
  const { engine, options } = server;
  const spec = sequenceSpec(rid, prompt, sampling, {
    contextLength: options.contextLength,
    maxTotalTokens: options.settings.maxTotalTokens,
    meanOutputTokens: options.meanOutputTokens,
  });
  return new Sequence(spec, engine.now(), engine.core.cachedPrefixTokens(prompt));
}
