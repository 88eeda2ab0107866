import { EventSplitter } from '../../../../runtime/shared/sse.ts';

/** What a client makes of the bytes of an event stream. */
export interface ClientView {
  /** Parsed, without the end mark. */
  readonly events: readonly StreamEvent[];
  readonly text: string;
  readonly outputIds: readonly number[];
  readonly roles: number;
  readonly finish: unknown;
  readonly matchedStop: unknown;
  readonly usage: Tokens | undefined;
  /** Different values over all events. */
  readonly ids: readonly unknown[];
  readonly created: readonly unknown[];
  readonly models: readonly unknown[];
  readonly endMarks: number;
}

interface Tokens {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details?: { readonly cached_tokens: number } | null;
}

export interface StreamEvent {
  readonly id?: string;
  readonly created?: number;
  readonly model?: string;
  readonly choices?: readonly {
    readonly delta?: { readonly role?: string | null; readonly content?: string | null };
    readonly text?: string;
    readonly finish_reason?: string | null;
    readonly matched_stop?: unknown;
    readonly token_ids?: readonly number[] | null;
    readonly prompt_token_ids?: readonly number[] | null;
  }[];
  readonly usage?: Tokens | null;
  readonly text?: string;
  readonly output_ids?: readonly number[];
  readonly meta_info?: {
    readonly id: string;
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly finish_reason: { readonly type: string } | null;
  };
}

export function clientView(stream: Buffer, isIncremental = false): ClientView {
  const payloads = new EventSplitter(Number.POSITIVE_INFINITY).push(stream);
  const events = payloads.filter((data) => data !== '[DONE]').map((data) => JSON.parse(data) as StreamEvent);
  const choices = events.flatMap((event) => event.choices ?? []);
  const native = events.filter((event) => event.meta_info);
  const last = native.at(-1);
  const join = <T>(pieces: readonly T[], whole: T | undefined) =>
    isIncremental || !last ? pieces : [whole ?? pieces[0]!];
  const openAiIds = choices.flatMap((choice) => choice.token_ids ?? []);
  const usages = events.flatMap((event) => event.usage ?? []);
  const finished = choices.filter((choice) => choice.finish_reason);
  return {
    events,
    text: last
      ? join(
          native.map(({ text = '' }) => text),
          last.text,
        ).join('')
      : choices.map((choice) => choice.delta?.content ?? choice.text ?? '').join(''),
    outputIds: last
      ? join(
          native.map(({ output_ids: ids = [] }) => ids),
          last.output_ids,
        ).flat()
      : openAiIds,
    roles: choices.filter((choice) => choice.delta?.role).length,
    finish: last ? last.meta_info!.finish_reason : finished.map((choice) => choice.finish_reason),
    matchedStop: finished[0]?.matched_stop,
    usage: usages.at(-1) ?? (last && nativeTokens(last.meta_info!)),
    ids: distinct(events.map((event) => event.id ?? event.meta_info?.id)),
    created: distinct(events.map((event) => event.created)),
    models: distinct(events.map((event) => event.model)),
    endMarks: payloads.filter((data) => data === '[DONE]').length,
  };
}

function nativeTokens({ prompt_tokens, completion_tokens }: NonNullable<StreamEvent['meta_info']>): Tokens {
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}

function distinct(values: readonly unknown[]): unknown[] {
  return [...new Set(values)];
}

/** Events of a stream as bytes, each with its empty line. */
export function rawEvents(stream: Buffer): Buffer[] {
  return stream
    .toString('utf8')
    .split(/(?<=\n\n)/)
    .map((event) => Buffer.from(event));
}
