/** What an engine said a request cost, in tokens. */
export interface Usage {
  readonly promptTokens: number;
  /** Prompt tokens that came from the engine's prefix cache; undefined when it did not say. */
  readonly cachedTokens: number | undefined;
  readonly completionTokens: number | undefined;
}

/** Bytes of an answer's end that are looked at; usage stands at the end in every dialect. */
const tailBytes = 4_096;

/**
 * Reads usage from the last bytes of an answer, streamed or not: OpenAI's `usage`, SGLang's `meta_info` and Anthropic's
 * names. The last occurrence counts. Undefined when the answer carries none, as a stream does unless it was asked to.
 */
export function readUsage(lastParts: readonly Buffer[]): Usage | undefined {
  let text = '';
  for (let i = lastParts.length - 1; i >= 0 && text.length < tailBytes; i--) {
    const part = lastParts[i]!;
    text = part.toString('latin1', Math.max(0, part.length - tailBytes)) + text;
  }
  const promptTokens = lastNumber(text, 'prompt_tokens') ?? lastNumber(text, 'input_tokens');
  if (promptTokens === undefined) return undefined;
  return {
    promptTokens,
    cachedTokens: lastNumber(text, 'cached_tokens') ?? lastNumber(text, 'cache_read_input_tokens'),
    completionTokens: lastNumber(text, 'completion_tokens') ?? lastNumber(text, 'output_tokens'),
  };
}

function lastNumber(text: string, name: string): number | undefined {
  const quoted = `"${name}":`;
  const at = text.lastIndexOf(quoted);
  if (at < 0) return undefined;
  const digits = /^\s*(\d{1,12})/.exec(text.slice(at + quoted.length, at + quoted.length + 20))?.[1];
  return digits === undefined ? undefined : Number(digits);
}
