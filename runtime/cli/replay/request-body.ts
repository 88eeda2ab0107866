/** The endpoint that a replay uses. */
export type ReplayApi = 'chat' | 'completions' | 'generate';

export const replayApis: readonly ReplayApi[] = ['chat', 'completions', 'generate'];

export const apiPaths: Readonly<Record<ReplayApi, string>> = {
  chat: '/v1/chat/completions',
  completions: '/v1/completions',
  generate: '/generate',
};

export interface BodyFrame {
  /** JSON up to the prompt's first character. */
  readonly head: Buffer;
  /** JSON from behind the prompt's last character. */
  readonly tail: Buffer;
}

/**
 * The JSON around a prompt: streamed, with usage at the end, and exactly `maxTokens` tokens of answer.
 * The prompt goes between the two parts unescaped.
 */
export function bodyFrame(api: ReplayApi, model: string, maxTokens: number): BodyFrame {
  const prompt = '\u0000';
  const openAi = {
    max_tokens: maxTokens,
    ignore_eos: true,
    stream: true,
    stream_options: { include_usage: true },
  };
  const bodies: Record<ReplayApi, object> = {
    chat: { model, messages: [{ role: 'user', content: prompt }], ...openAi },
    completions: { model, prompt, ...openAi },
    generate: { text: prompt, sampling_params: { max_new_tokens: maxTokens, ignore_eos: true }, stream: true },
  };
  const [head, tail] = JSON.stringify(bodies[api]).split(JSON.stringify(prompt).slice(1, -1));
  return { head: Buffer.from(head!), tail: Buffer.from(tail!) };
}
