import type { Edit } from './json-edit.ts';
import type { RequestBody } from './request-body.ts';

/** How the tokens that a stream has spent were counted. */
export interface SpentTokens {
  readonly tokens: number;
  /**
   * `engine`: the engine said so (usage in every event, `meta_info`, token ids).
   * `tokenizer`: an engine tokenised the text anew, which may differ by a token from what was generated.
   * `events`: one for each event with text; a lower bound, since SGLang may put several tokens into one event.
   */
  readonly source: 'engine' | 'tokenizer' | 'events';
}

/** What SGLang takes when the request sets no limit; chat has none but the context. */
const defaultLimits = { chat: undefined, completions: 16, generate: 128 } as const;
const limitKeys = {
  chat: ['max_completion_tokens', 'max_tokens'],
  completions: ['max_tokens'],
  generate: ['max_new_tokens'],
} as const;

/** Tokens that may still be generated, 0 at least; undefined without a limit. */
export function remainingTokens(request: RequestBody, spent: number): number | undefined {
  const limit = tokenLimit(request, spent);
  return limit === undefined ? undefined : Math.max(0, limit - spent);
}

/** The limit that counts, undefined without one. */
export function tokenLimit(request: RequestBody, spent: number): number | undefined {
  const { dialect } = request;
  // Python's `max_completion_tokens or max_tokens`: a 0 does not count.
  for (const key of limitKeys[dialect]) {
    const limit = request.count(key);
    if (limit !== undefined && (limit > 0 || dialect !== 'chat')) return limit;
  }
  if (dialect !== 'chat' && request.sampling?.range(limitKeys[dialect][0])) return undefined;
  const preset = defaultLimits[dialect];
  // A server may have another default. One that the stream has passed is not its.
  return preset !== undefined && preset >= spent ? preset : undefined;
}

/** Edits that leave the next engine `remaining` tokens (undefined: no limit) and lower the minimum by what was spent. */
export function budgetEdits(request: RequestBody, spent: number, remaining: number | undefined): Edit[] {
  const { dialect, members, sampling } = request;
  const edits: Edit[] = [];
  const parameters: [key: string, json: string][] = [];
  if (remaining !== undefined) {
    const present = limitKeys[dialect].filter((key) => request.count(key) !== undefined);
    const keys = present.length > 0 ? present : limitKeys[dialect].slice(-1);
    for (const key of keys) parameters.push([key, String(remaining)]);
  }
  const minimumKey = dialect === 'generate' ? 'min_new_tokens' : 'min_tokens';
  const minimum = request.count(minimumKey);
  if (minimum !== undefined) parameters.push([minimumKey, String(Math.max(0, minimum - spent))]);
  if (sampling) {
    for (const [key, json] of parameters) edits.push(sampling.set(key, json));
  } else if (parameters.length > 0) {
    // Only /generate keeps them apart, and without its object there is no minimum: one parameter.
    const [[key, json]] = parameters as [[string, string]];
    edits.push(members.set('sampling_params', `{"${key}":${json}}`));
  }
  return edits;
}
