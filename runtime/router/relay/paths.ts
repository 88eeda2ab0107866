/** How a generation endpoint names its prompt and answers; decides what the relay may do beyond passing bytes. */
export type Dialect = 'chat' | 'completions' | 'generate' | 'messages' | 'responses' | 'embedding' | 'other';

/**
 * The engine paths that clients may reach, all POST: the generation endpoints of SGLang and of the OpenAI and Anthropic
 * dialects. A closed list, because everything else an engine offers administers it.
 */
const dialectByPath: ReadonlyMap<string, Dialect> = new Map<string, Dialect>([
  ['/v1/chat/completions', 'chat'],
  ['/v1/completions', 'completions'],
  ['/v1/responses', 'responses'],
  ['/v1/messages', 'messages'],
  ['/v1/messages/count_tokens', 'other'],
  ['/v1/embeddings', 'embedding'],
  ['/v1/rerank', 'other'],
  ['/rerank', 'other'],
  ['/v1/score', 'other'],
  ['/v1/classify', 'other'],
  ['/v1/tokenize', 'other'],
  ['/v1/detokenize', 'other'],
  ['/v1/audio/transcriptions', 'other'],
  ['/generate', 'generate'],
  ['/encode', 'other'],
  ['/classify', 'other'],
  ['/tokenize', 'other'],
  ['/detokenize', 'other'],
  ['/parse_function_call', 'other'],
  ['/separate_reasoning', 'other'],
  ['/api/chat', 'other'],
  ['/api/generate', 'other'],
]);

/** The dialect of a request target (query string allowed), undefined when the relay does not carry it. */
export function dialectOf(target: string): Dialect | undefined {
  const query = target.indexOf('?');
  return dialectByPath.get(query < 0 ? target : target.slice(0, query));
}
