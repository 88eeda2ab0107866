import { doneEvent, eventStreamType, formatEvent } from '../../shared/sse.ts';
import type { Dialect } from './dialect.ts';
import { chatLogprobs } from './log-probabilities.ts';
import { type MetaInfoOptions, metaInfo } from './meta-info.ts';
import { streamedError } from './openai-error.ts';
import type { Sequence } from './sequence.ts';
import { usageAfter, usageOf, weightMetadata } from './usage.ts';

export interface ChatDialectOptions {
  /** Echoed as the client sent it. */
  readonly model: string;
  readonly hasLogprobs: boolean;
  readonly topLogprobs: number;
  /** A last chunk with usage; `continuous` puts it on every content chunk. */
  readonly includeUsage: boolean;
  readonly continuousUsage: boolean;
  readonly hasCacheReport: boolean;
  readonly returnTokenIds: boolean;
  readonly returnMetaInfo: boolean;
  readonly returnCachedTokensDetails: boolean;
  readonly metaInfo: MetaInfoOptions;
}

/** The wire form of `/v1/chat/completions`, SGLang 0.5.23. */
export class ChatDialect implements Dialect {
  readonly streamContentType = `${eventStreamType}; charset=utf-8`;
  readonly startsAtOnce = false;
  readonly #options: ChatDialectOptions;
  readonly #sequences: readonly Sequence[];
  readonly #created = Math.floor(Date.now() / 1_000);
  /** In the order in which they ended: their last chunks come in that order. */
  readonly #ended: { sequence: Sequence; index: number }[] = [];
  readonly #heads = new Map<Sequence, string>();

  constructor(sequences: readonly Sequence[], options: ChatDialectOptions) {
    this.#sequences = sequences;
    this.#options = options;
  }

  step(sequence: Sequence, index: number, position: number | undefined): string {
    let text = '';
    if (!this.#heads.has(sequence)) {
      this.#heads.set(sequence, this.#contentHead(sequence, index));
      text = this.#chunk(sequence.rid, index, { reasoning_content: null, role: 'assistant', content: '' });
    }
    if (sequence.end !== null && (position === undefined || position === sequence.completionTokens - 1)) {
      this.#ended.push({ sequence, index });
    }
    const piece = position === undefined ? '' : sequence.pieces[position]!;
    return piece === '' ? text : text + this.#contentChunk(sequence, piece, position!);
  }

  end(): string {
    const lastId = this.#ended.at(-1)?.sequence.rid ?? '';
    let text = '';
    for (const { sequence, index } of this.#ended) {
      text += this.#chunk(lastId, index, { reasoning_content: null }, sequence);
    }
    if (this.#options.returnCachedTokensDetails) text += this.#extensionChunk(lastId);
    if (this.#options.includeUsage) text += this.#usageChunk(lastId);
    return text + doneEvent;
  }

  rejection(sequence: Sequence): string {
    return streamedError(sequence) + doneEvent;
  }

  whole() {
    const first = this.#sequences[0]!;
    const { hasCacheReport, returnCachedTokensDetails } = this.#options;
    const usage = usageOf(this.#sequences, this.#sequences.length, hasCacheReport);
    return {
      id: first.rid,
      object: 'chat.completion',
      created: Math.floor(Date.now() / 1_000),
      model: this.#options.model,
      choices: this.#sequences.map((sequence, index) => this.#choice(sequence, index)),
      usage: { ...usage, completion_tokens_details: null },
      metadata: weightMetadata(first),
      ...(returnCachedTokensDetails && { sglext: cachedTokensExtension(first) }),
    };
  }

  #choice(sequence: Sequence, index: number) {
    const { hasLogprobs, topLogprobs, returnTokenIds, returnMetaInfo } = this.#options;
    const end = sequence.end;
    return {
      index,
      message: { role: 'assistant', content: sequence.text, reasoning_content: null },
      logprobs: hasLogprobs ? chatLogprobs(sequence, 0, sequence.completionTokens, topLogprobs) : null,
      finish_reason: end?.type ?? null,
      matched_stop: end?.type === 'stop' ? end.matched : null,
      ...(returnTokenIds && {
        prompt_token_ids: [...sequence.spec.prompt],
        response_token_ids: sequence.outputIds,
      }),
      ...(returnMetaInfo && {
        meta_info: metaInfo(sequence, sequence.completionTokens, true, this.#options.metaInfo),
      }),
    };
  }

  #contentChunk(sequence: Sequence, piece: string, position: number): string {
    const { hasLogprobs, continuousUsage } = this.#options;
    // Put together from three parts: this is the one line that runs for every token of every stream.
    const start = this.#heads.get(sequence)! + JSON.stringify(piece);
    return start + (hasLogprobs || continuousUsage ? this.#contentTail(sequence, position) : plainContentTail);
  }

  #contentTail(sequence: Sequence, position: number): string {
    const { hasLogprobs, topLogprobs, continuousUsage, hasCacheReport } = this.#options;
    const logprobs = hasLogprobs ? JSON.stringify(chatLogprobs(sequence, position, position + 1, topLogprobs)) : 'null';
    const usage = continuousUsage
      ? `,"usage":${JSON.stringify({ ...usageAfter(sequence, position, hasCacheReport), completion_tokens_details: null })}`
      : '';
    return `},"logprobs":${logprobs},"finish_reason":null,"matched_stop":null}]${usage}}\n\n`;
  }

  #contentHead(sequence: Sequence, index: number): string {
    const head = JSON.stringify({ ...this.#chunkHead(sequence.rid), choices: [] }).slice(0, -2);
    return `data: ${head}{"index":${index},"delta":{"reasoning_content":null,"content":`;
  }

  #chunkHead(id: string) {
    return { id, object: 'chat.completion.chunk', created: this.#created, model: this.#options.model };
  }

  #chunk(id: string, index: number, delta: object, ended?: Sequence): string {
    const end = ended?.end;
    const choice = {
      index,
      delta,
      logprobs: null,
      finish_reason: end?.type ?? null,
      matched_stop: end?.type === 'stop' ? end.matched : null,
    };
    return formatEvent(JSON.stringify({ ...this.#chunkHead(id), choices: [choice] }));
  }

  #usageChunk(id: string): string {
    const usage = usageOf(this.#sequences, this.#sequences.length, this.#options.hasCacheReport);
    const chunk = { ...this.#chunkHead(id), choices: [], usage: { ...usage, completion_tokens_details: null } };
    return formatEvent(JSON.stringify(chunk));
  }

  #extensionChunk(id: string): string {
    const sglext = cachedTokensExtension(this.#sequences[0]!);
    return formatEvent(JSON.stringify({ ...this.#chunkHead(id), choices: [], sglext }));
  }
}

const plainContentTail = '},"logprobs":null,"finish_reason":null,"matched_stop":null}]}\n\n';

function cachedTokensExtension({ cachedTokens }: Sequence) {
  return { cached_tokens_details: { device: cachedTokens, host: 0 } };
}
