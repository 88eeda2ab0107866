import type { Answer } from './answer.ts';
import type { AnswerSink } from './answer-sink.ts';
import type { Splicer } from './continuation/splicer.ts';

/** The rest of a stream from another engine, spliced so that the client sees one stream. */
export class ContinuedAnswer implements AnswerSink {
  readonly #answer: Answer;
  readonly #splicer: Splicer;
  hasContent = false;

  constructor(answer: Answer, splicer: Splicer) {
    this.#answer = answer;
    this.#splicer = splicer;
  }

  get isSatisfied(): boolean {
    return this.#splicer.isComplete;
  }

  /** Nothing: the client has its status and headers from the first engine. */
  begin(): void {}

  write(bytes: Buffer): boolean {
    this.hasContent = true;
    return this.#answer.writeEvents(this.#splicer.push(bytes));
  }

  onDrain(callback: () => void): void {
    this.#answer.onDrain(callback);
  }

  end(): void {
    this.#answer.end();
  }
}
