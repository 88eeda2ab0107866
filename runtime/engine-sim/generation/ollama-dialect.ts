import type { Dialect } from './dialect.ts';
import type { Sequence } from './sequence.ts';

/** The wire form of `/api/chat` and `/api/generate`: one JSON object a line. */
export class OllamaDialect implements Dialect {
  readonly streamContentType = 'application/x-ndjson';
  readonly startsAtOnce = true;
  readonly #model: string;
  readonly #kind: 'chat' | 'generate';
  readonly #sequence: Sequence;

  constructor(sequence: Sequence, model: string, kind: 'chat' | 'generate') {
    this.#sequence = sequence;
    this.#model = model;
    this.#kind = kind;
  }

  /** SGLang's last line says that all is done and drops the text of the last token. */
  step(sequence: Sequence, _index: number, position: number | undefined): string {
    const isLast = position === undefined || (sequence.end !== null && position === sequence.completionTokens - 1);
    return isLast ? '' : this.#line(sequence.pieces[position]!, false);
  }

  end(): string {
    return this.#line('', true);
  }

  rejection(): string {
    return this.#line('', true);
  }

  whole() {
    const { text, times, promptTokens, completionTokens } = this.#sequence;
    const durationMs = (times.finishedAt ?? times.submittedAt) - times.submittedAt;
    return {
      ...this.#object(text, true),
      total_duration: Math.round(durationMs * 1e6),
      prompt_eval_count: promptTokens,
      eval_count: completionTokens,
    };
  }

  #line(text: string, isDone: boolean): string {
    return `${JSON.stringify(this.#object(text, isDone))}\n`;
  }

  #object(text: string, isDone: boolean) {
    return {
      model: this.#model,
      created_at: new Date().toISOString(),
      ...(this.#kind === 'chat' ? { message: { role: 'assistant', content: text, images: null } } : { response: text }),
      done: isDone,
      done_reason: isDone ? 'stop' : null,
    };
  }
}
