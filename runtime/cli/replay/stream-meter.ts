import type { ReplayApi } from './request-body.ts';

/** Token counts as the engine reported them at the end of an answer. */
export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Prompt tokens that the engine had cached. */
  readonly cachedTokens: number;
}

export interface Failure {
  /** Short and low in number, errors are counted by it: `http 503 NO_READY_WORKER`, `ECONNRESET`, `cut stream`. */
  readonly kind: string;
  readonly message: string;
}

/** Longest event that is put together over reads; a longer one is a broken stream. */
const maxEventBytes = 4 * 1024 * 1024;

/**
 * Measures one event stream without parsing it: events are found by their blank line (LF line ends, as SGLang and every
 * router in front of it send) and only counted. JSON is parsed until the first content is seen and for the last event,
 * which has the usage.
 */
export class StreamMeter {
  readonly #api: ReplayApi;
  /** The start of an event whose end has not arrived. */
  #carry: Buffer | undefined;
  /** The last complete event before `[DONE]`, with its `data:`. */
  #lastEvent: Buffer | undefined;
  #failure: Failure | undefined;
  #isDone = false;
  #lastContentAtMs = 0;
  firstContentAtMs: number | undefined;
  /** Gaps between reads that brought events, from the first content on, in ms. */
  readonly gapsMs: number[] = [];

  constructor(api: ReplayApi) {
    this.#api = api;
  }

  push(bytes: Buffer, nowMs: number): void {
    const text = this.#carry === undefined ? bytes : Buffer.concat([this.#carry, bytes]);
    let start = 0;
    let isContent = false;
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n', start)) {
      isContent = this.#event(text.subarray(start, end), nowMs) || isContent;
      start = end + 2;
    }
    this.#carry = start === text.length ? undefined : text.subarray(start);
    if ((this.#carry?.length ?? 0) > maxEventBytes) {
      this.#failure ??= { kind: 'malformed stream', message: `an event is longer than ${maxEventBytes} bytes` };
      this.#carry = undefined;
    }
    if (!isContent) return;
    if (this.#lastContentAtMs > 0) this.gapsMs.push(nowMs - this.#lastContentAtMs);
    this.#lastContentAtMs = nowMs;
  }

  /** What the finished stream amounts to; a stream without its `[DONE]` was cut. */
  finish(): { readonly usage: Usage | undefined; readonly failure: Failure | undefined } {
    const last = this.#lastEvent === undefined ? undefined : parseEvent(this.#lastEvent);
    const failure = this.#failure ?? failureOf(last) ?? (this.#isDone ? undefined : cutStream);
    return { usage: usageOf(last), failure };
  }

  /** @returns whether the event is content, or anything that follows the first content */
  #event(event: Buffer, nowMs: number): boolean {
    // 'd' of `data:`; the rest are comments, which routers send as heartbeats.
    if (event[0] !== 0x64) return false;
    if (event.length < 16 && event.includes('[DONE]')) {
      this.#isDone = true;
      return false;
    }
    this.#lastEvent = event;
    if (this.firstContentAtMs !== undefined) return true;
    const parsed = parseEvent(event);
    this.#failure ??= failureOf(parsed);
    if (!hasContent(this.#api, parsed)) return false;
    this.firstContentAtMs = nowMs;
    return true;
  }
}

const cutStream: Failure = { kind: 'cut stream', message: 'the stream ended without [DONE]' };

/** The parts of an event that are read, over the three dialects. */
interface StreamEvent {
  readonly choices?: readonly {
    readonly text?: string;
    readonly delta?: Readonly<Record<string, unknown>>;
  }[];
  readonly usage?: {
    readonly prompt_tokens?: number;
    readonly completion_tokens?: number;
    readonly prompt_tokens_details?: { readonly cached_tokens?: number } | null;
  } | null;
  readonly text?: string;
  readonly output_ids?: readonly number[];
  readonly meta_info?: {
    readonly prompt_tokens?: number;
    readonly completion_tokens?: number;
    readonly cached_tokens?: number;
    readonly finish_reason?: {
      readonly type?: string;
      readonly message?: string;
      readonly status_code?: number;
    } | null;
  };
  readonly error?: { readonly message?: string; readonly code?: string | number | null } | string;
}

function parseEvent(event: Buffer): StreamEvent | undefined {
  try {
    return JSON.parse(event.toString('utf8', 'data:'.length)) as StreamEvent;
  } catch {
    return undefined;
  }
}

function hasContent(api: ReplayApi, event: StreamEvent | undefined): boolean {
  if (event === undefined) return false;
  if (api === 'generate') return Boolean(event.text) || (event.output_ids?.length ?? 0) > 0;
  const choice = event.choices?.[0];
  if (api === 'completions') return Boolean(choice?.text);
  return Boolean(choice?.delta?.['content'] || choice?.delta?.['reasoning_content'] || choice?.delta?.['tool_calls']);
}

function usageOf(event: StreamEvent | undefined): Usage | undefined {
  const { usage, meta_info: meta } = event ?? {};
  if (usage) {
    return {
      promptTokens: usage.prompt_tokens ?? 0,
      completionTokens: usage.completion_tokens ?? 0,
      cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    };
  }
  if (!meta) return undefined;
  return {
    promptTokens: meta.prompt_tokens ?? 0,
    completionTokens: meta.completion_tokens ?? 0,
    cachedTokens: meta.cached_tokens ?? 0,
  };
}

/** SGLang reports overload and aborts inside a stream whose status is 200: `error`, or an abort finish reason. */
function failureOf(event: StreamEvent | undefined): Failure | undefined {
  if (event?.error) {
    const { message, code } = typeof event.error === 'string' ? { message: event.error, code: null } : event.error;
    return { kind: `error event ${code ?? ''}`.trimEnd(), message: message ?? 'an error event without a message' };
  }
  const reason = event?.meta_info?.finish_reason;
  if (reason?.type !== 'abort') return undefined;
  return { kind: `error event ${reason.status_code ?? 'abort'}`, message: reason.message ?? 'the engine aborted it' };
}
