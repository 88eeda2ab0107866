import type { Timer } from '../../shared/clock.ts';
import type { FinishReason } from '../core/types.ts';
import type { SequenceListener } from '../engine/engine.ts';
import { fail } from '../errors.ts';
import type { RequestFault } from '../faults/fault.ts';
import type { Exchange } from '../http/exchange.ts';
import { type ErrorStyle, sendFailure } from '../http/failure.ts';
import { randomId } from '../http/random-id.ts';
import type { ServerState } from '../server-state.ts';
import { AnswerWriter } from './answer-writer.ts';
import type { GenerationPlan } from './generation-plan.ts';
import type { Sequence } from './sequence.ts';

/** SGLang looks for the client of a request that does not stream each time it waited this long for the answer. */
const disconnectPollMs = 4_000;

/**
 * Runs a request on the engine and answers it. Throws DUPLICATE_RID before anything is sent.
 * @param onAnswered called after the answer, for what a route keeps of it
 */
export function runGeneration(
  exchange: Exchange,
  server: ServerState,
  plan: GenerationPlan,
  style: ErrorStyle,
  onAnswered: () => void = () => {},
): void {
  new RunningGeneration(exchange, server, plan, style, onAnswered).start();
}

class RunningGeneration {
  readonly #exchange: Exchange;
  readonly #server: ServerState;
  readonly #plan: GenerationPlan;
  readonly #style: ErrorStyle;
  readonly #onAnswered: () => void;
  readonly #fault: RequestFault | undefined;
  readonly #writer: AnswerWriter;
  #unfinished: number;
  #rejected: Sequence | undefined;
  #isAnswered = false;
  #timer: Timer | undefined;

  constructor(
    exchange: Exchange,
    server: ServerState,
    plan: GenerationPlan,
    style: ErrorStyle,
    onAnswered: () => void,
  ) {
    this.#exchange = exchange;
    this.#server = server;
    this.#plan = plan;
    this.#style = style;
    this.#onAnswered = onAnswered;
    this.#unfinished = plan.sequences.length;
    this.#fault = server.faults.take(exchange.path);
    this.#writer = new AnswerWriter(exchange, plan, this.#fault);
  }

  start(): void {
    const fault = this.#fault;
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'reset') {
      this.#exchange.reset();
      return;
    }
    const { inFlight, engine } = this.#server;
    inFlight.add(this.#plan.sequences.map(({ rid }) => ({ rid, abort: () => void engine.abort(rid) })));
    this.#watchDisconnect();
    if (fault?.kind === 'overload') {
      this.#overload();
    } else if (fault?.kind === 'slow-first-byte') {
      this.#timer = this.#server.clock.schedule(fault.delayMs, () => this.#submit());
    } else {
      this.#submit();
    }
  }

  #submit(): void {
    if (this.#plan.stream && this.#plan.dialect.startsAtOnce) this.#writer.startStream();
    if (this.#plan.needsWarmUp) this.#submitWarmUp(this.#plan.sequences[0]!);
    else this.#submitAll();
  }

  /** SGLang prefills the prompt that several choices share once, and starts them when it is in the cache. */
  #submitWarmUp({ spec }: Sequence): void {
    const noop = () => {};
    let isOver = false;
    const end = () => {
      isOver = true;
    };
    const listener: SequenceListener = {
      token: noop,
      finished: end,
      rejected: end,
      retracted: noop,
      flush: () => isOver && this.#submitAll(),
    };
    const generate = () => ({ token: 0, stop: true });
    const request = { rid: randomId(), prompt: spec.prompt, maxNewTokens: 1, generate };
    this.#server.engine.submit([{ request, listener }]);
  }

  #submitAll(): void {
    const { sequences } = this.#plan;
    this.#server.engine.submit(
      sequences.map((sequence, index) => ({
        request: {
          rid: sequence.rid,
          prompt: sequence.spec.prompt,
          maxNewTokens: Math.max(1, sequence.spec.maxNewTokens),
          generate: () => sequence.generate(),
        },
        listener: this.#listener(sequence, index),
      })),
    );
  }

  #listener(sequence: Sequence, index: number): SequenceListener {
    return {
      token: (position, at) => {
        sequence.recordToken(at);
        // The last token waits for `finished`, which brings the exact number of cached tokens.
        if (sequence.end === null) this.#writer.step(sequence, index, position);
      },
      finished: (reason, cachedTokens, at) => this.#finished(sequence, index, reason, cachedTokens, at),
      rejected: (at) => {
        sequence.reject(at);
        this.#rejected ??= sequence;
        this.#leave(sequence);
      },
      retracted: () => {
        sequence.retractions++;
      },
      flush: () => this.#flush(),
    };
  }

  #finished(sequence: Sequence, index: number, reason: FinishReason, cachedTokens: number, at: number): void {
    const isLastTokenHeld = sequence.end !== null && sequence.completionTokens > 0;
    sequence.finish(reason, cachedTokens, at);
    this.#writer.step(sequence, index, isLastTokenHeld ? sequence.completionTokens - 1 : undefined);
    this.#leave(sequence);
  }

  #leave(sequence: Sequence): void {
    this.#unfinished--;
    this.#server.inFlight.remove(sequence.rid);
    this.#server.metrics.observeFinished(sequence, this.#plan.stream);
  }

  #flush(): void {
    if (this.#isAnswered) return;
    if (this.#writer.isBroken) {
      this.#isAnswered = true;
      this.#writer.breakOff();
      this.#timer?.cancel();
      this.#abortAll();
    } else if (this.#rejected !== undefined) {
      this.#answer(() => this.#sendRejection(this.#rejected!));
      this.#abortAll();
    } else if (this.#unfinished === 0) {
      this.#answer(() => this.#writer.complete());
    } else {
      this.#writer.flush();
    }
  }

  #answer(send: () => void): void {
    this.#isAnswered = true;
    this.#timer?.cancel();
    if (!this.#exchange.isDisconnected) send();
    this.#onAnswered();
  }

  #sendRejection(sequence: Sequence): void {
    if (this.#plan.stream) this.#writer.endStream(this.#plan.dialect.rejection(sequence));
    else sendFailure(this.#exchange, this.#style, fail('QUEUE_FULL'));
  }

  #overload(): void {
    for (const sequence of this.#plan.sequences) {
      sequence.reject(this.#server.engine.now());
      this.#rejected ??= sequence;
      this.#leave(sequence);
    }
    this.#flush();
  }

  #abortAll(): void {
    for (const { rid } of this.#plan.sequences) this.#server.engine.abort(rid);
  }

  #watchDisconnect(): void {
    const { clock } = this.#server;
    const startedAt = clock.now();
    this.#exchange.onDisconnect(() => {
      if (this.#isAnswered) return;
      if (this.#plan.stream) {
        this.#drop();
        return;
      }
      const waitedMs = clock.now() - startedAt;
      this.#timer?.cancel();
      this.#timer = clock.schedule(disconnectPollMs - (waitedMs % disconnectPollMs), () => this.#drop());
    });
  }

  /** The client is gone: nobody waits for the rest. */
  #drop(): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#timer?.cancel();
    if (this.#plan.logsDisconnect && !this.#plan.stream) {
      const message = 'Request is disconnected from the client side (type 1). Abort request obj.rid=';
      this.#server.log.line(`[http_server] Error: ${message}'${this.#plan.sequences[0]!.rid}'`);
    }
    this.#abortAll();
    this.#onAnswered();
  }
}
