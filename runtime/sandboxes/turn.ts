import type { ChatChunk, TurnEvent, TurnRequest } from '../shared/sandbox-protocol.ts';
import type { AgentDone } from './bridge.ts';

/** Events that nobody has read yet, above which the agent is not listened to. */
const pressureEvents = 256;

/** The answer to one message as it comes: written by a sandbox, read once by whoever asked. */
export class Turn implements AsyncIterable<TurnEvent> {
  readonly turnId: string;
  /** Called when the reader falls behind and when it has caught up. */
  readonly #onPressure: (isFull: boolean) => void;
  /** Called when the reader leaves before the end. */
  readonly #onLeave: () => void;
  readonly #created = Math.floor(Date.now() / 1_000);
  #events: TurnEvent[] = [];
  #failure: unknown;
  #isOver = false;
  #isFull = false;
  #wake: (() => void) | undefined;
  #text = '';
  #hasDeltas = false;

  constructor(request: TurnRequest, onPressure: (isFull: boolean) => void, onLeave: () => void) {
    this.turnId = request.turnId;
    this.#onPressure = onPressure;
    this.#onLeave = onLeave;
  }

  addChunk(chunk: ChatChunk): void {
    // Some servers send `content: null` or leave it out.
    this.#text += chunk.choices[0]?.delta.content ?? '';
    this.#push(chunk);
  }

  /** Text alone, which becomes an OpenAI chunk. */
  addDelta(content: string): void {
    this.#text += content;
    this.#push(this.#chunk(this.#hasDeltas ? { content } : { role: 'assistant', content }, null));
    this.#hasDeltas = true;
  }

  finish({ content, state, usage }: AgentDone): void {
    if (this.#isOver) return;
    if (this.#hasDeltas) this.#push(this.#chunk({}, 'stop'));
    const message = { role: 'assistant', content: content ?? this.#text } as const;
    this.#push({ object: 'fleet.turn', message, state, usage });
    this.#end();
  }

  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#failure = error;
    this.#end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TurnEvent, void, undefined> {
    try {
      for (;;) {
        const events = this.#events;
        this.#events = [];
        if (this.#isFull) {
          this.#isFull = false;
          this.#onPressure(false);
        }
        yield* events;
        if (this.#events.length > 0) continue;
        if (this.#failure !== undefined) throw this.#failure;
        if (this.#isOver) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      if (!this.#isOver) this.#onLeave();
    }
  }

  #push(event: TurnEvent): void {
    if (this.#isOver) return;
    this.#events.push(event);
    if (!this.#isFull && this.#events.length > pressureEvents) {
      this.#isFull = true;
      this.#onPressure(true);
    }
    this.#wake?.();
  }

  #end(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  #chunk(delta: { role?: string; content?: string }, finishReason: string | null): ChatChunk {
    return {
      id: this.turnId,
      object: 'chat.completion.chunk',
      created: this.#created,
      choices: [{ index: 0, delta, finish_reason: finishReason }],
    };
  }
}
