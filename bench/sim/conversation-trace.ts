import { blockTokens, type TraceRequest } from '../../runtime/cli/replay/trace.ts';

/**
 * A trace cut or repeated to `durationMs` at its own rate. Each repetition has ids of its own, so that it finds nothing
 * of the earlier ones in a cache; only id 0, the system prompt that begins every request, stays the same.
 */
export function extendTrace(trace: readonly TraceRequest[], durationMs: number): TraceRequest[] {
  const last = trace.at(-1);
  if (!last) return [];
  const spanMs = last.timestampMs * (1 + 1 / trace.length);
  const idsPerRepetition = 1 + trace.reduce((most, request) => Math.max(most, ...request.blockIds), 0);
  const extended: TraceRequest[] = [];
  for (let repetition = 0; ; repetition++) {
    for (const request of trace) {
      const timestampMs = request.timestampMs + repetition * spanMs;
      if (timestampMs >= durationMs) return extended;
      const blockIds = request.blockIds.map((id) => (id === 0 ? 0 : id + repetition * idsPerRepetition));
      extended.push({ ...request, timestampMs, blockIds });
    }
  }
}

/** The prompt's token ids: as many as the trace says, equal where block ids are equal. */
export function promptTokens(request: TraceRequest): Int32Array {
  const tokens = new Int32Array(request.inputTokens);
  for (let position = 0; position < tokens.length; position++) {
    const id = request.blockIds[Math.floor(position / blockTokens)]!;
    tokens[position] = (Math.imul(id + 1, 0x9e3779b1) ^ Math.imul(position, 0x85ebca6b)) >>> 1;
  }
  return tokens;
}
