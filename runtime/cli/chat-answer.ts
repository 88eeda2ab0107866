import { bearerHeaders } from '../shared/auth.ts';
import { describeError } from '../shared/errors.ts';
import { EventSplitter } from '../shared/sse.ts';
import { UserError, unreachable } from './user-error.ts';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface ChatQuestion {
  readonly url: string;
  readonly apiKey?: string;
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  /** Cancels the answer, and with it the engine's work. */
  readonly signal: AbortSignal;
  /** Called with each piece of text as it comes. */
  readonly onText: (text: string) => void;
}

export interface ChatAnswer {
  readonly text: string;
  readonly isCancelled: boolean;
  readonly worker: string | undefined;
  readonly ttftSeconds: number | undefined;
  readonly durationSeconds: number;
  readonly usage:
    | { readonly promptTokens: number; readonly completionTokens: number; readonly cachedTokens: number }
    | undefined;
}

/** The parts of a chat chunk that are shown. */
interface ChatChunk {
  readonly choices?: readonly { readonly delta?: { readonly content?: string | null } }[];
  readonly usage?: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly prompt_tokens_details?: { readonly cached_tokens?: number } | null;
  } | null;
  readonly error?: { readonly message?: string };
}

/**
 * Asks for one streamed answer. A cancelled one is returned as far as it came.
 * @throws UserError for everything that goes wrong on the way
 */
export async function streamAnswer(question: ChatQuestion): Promise<ChatAnswer> {
  const startMs = performance.now();
  let [text, isCancelled, isDone] = ['', false, false];
  let ttftSeconds: number | undefined;
  let usage: ChatAnswer['usage'];
  let response: Response | undefined;
  const take = (payload: string) => {
    if (payload === '[DONE]') {
      isDone = true;
      return;
    }
    const chunk = JSON.parse(payload) as ChatChunk;
    if (chunk.error) throw new UserError(`the answer broke off: ${chunk.error.message ?? payload}`);
    const piece = chunk.choices?.[0]?.delta?.content;
    if (piece) {
      ttftSeconds ??= (performance.now() - startMs) / 1_000;
      text += piece;
      question.onText(piece);
    }
    if (chunk.usage) {
      usage = {
        promptTokens: chunk.usage.prompt_tokens,
        completionTokens: chunk.usage.completion_tokens,
        cachedTokens: chunk.usage.prompt_tokens_details?.cached_tokens ?? 0,
      };
    }
  };
  try {
    response = await ask(question);
    const events = new EventSplitter();
    for await (const bytes of response.body!) events.push(bytes).forEach(take);
    if (!isDone) throw new UserError('the answer broke off: the stream ended early. Ask again.');
  } catch (error) {
    isCancelled = question.signal.aborted;
    if (!isCancelled) throw asUserError(question.url, error, response !== undefined);
  }
  return {
    text,
    isCancelled,
    worker: response?.headers.get('x-fleet-worker') ?? undefined,
    ttftSeconds,
    durationSeconds: (performance.now() - startMs) / 1_000,
    usage,
  };
}

/** @throws UserError for an answer that is not a stream of status 200 */
async function ask({ url, apiKey, model, messages, signal }: ChatQuestion): Promise<Response> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...bearerHeaders(apiKey) },
    body: JSON.stringify({ model, messages, stream: true, stream_options: { include_usage: true } }),
    signal,
  });
  if (response.status === 200 && response.body) return response;
  throw new UserError(`${url} answered ${response.status}: ${errorMessage(await response.text())}`);
}

function errorMessage(body: string): string {
  try {
    const { error, message } = JSON.parse(body) as { error?: { message?: string }; message?: string };
    return error?.message ?? message ?? body.slice(0, 300);
  } catch {
    return body.slice(0, 300);
  }
}

function asUserError(url: string, error: unknown, hasResponse: boolean): UserError {
  if (error instanceof UserError) return error;
  if (!hasResponse) return unreachable(url, error);
  return new UserError(`the answer broke off: ${describeError(error)}. Ask again.`, { cause: error });
}
