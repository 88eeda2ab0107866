import type { RequestFault } from '../faults/fault.ts';
import type { Exchange } from '../http/exchange.ts';
import type { GenerationPlan } from './generation-plan.ts';
import type { Sequence } from './sequence.ts';

/**
 * Puts an answer on the wire: stream events gathered between two flushes go out in one write. A fault half way through
 * an answer shows here.
 */
export class AnswerWriter {
  readonly #exchange: Exchange;
  readonly #plan: GenerationPlan;
  readonly #fault: RequestFault | undefined;
  #pending = '';
  #stepsLeft = Number.POSITIVE_INFINITY;
  #isStalled = false;
  #isBroken = false;

  constructor(exchange: Exchange, plan: GenerationPlan, fault: RequestFault | undefined) {
    this.#exchange = exchange;
    this.#plan = plan;
    this.#fault = fault;
    if (fault?.kind === 'stall-mid-stream' || fault?.kind === 'die-mid-stream') this.#stepsLeft = fault.afterTokens;
  }

  /** The connection is to be closed before the answer is complete. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  startStream(): void {
    this.#exchange.startStream(this.#plan.dialect.streamContentType);
  }

  step(sequence: Sequence, index: number, position: number | undefined): void {
    if (this.#stepsLeft <= 0) {
      if (this.#fault?.kind === 'die-mid-stream') this.#isBroken = true;
      else this.#isStalled = true;
      return;
    }
    this.#stepsLeft--;
    if (this.#plan.stream) this.#pending += this.#plan.dialect.step(sequence, index, position);
  }

  flush(): void {
    if (this.#pending === '' || this.#exchange.isDisconnected) return;
    if (!this.#exchange.hasStarted) this.startStream();
    this.#exchange.write(this.#pending);
    this.#pending = '';
  }

  complete(): void {
    if (this.#plan.stream) {
      this.endStream(this.#isStalled ? '' : this.#plan.dialect.end());
    } else if (!this.#isStalled) {
      this.#sendWhole();
    }
  }

  endStream(lastText: string): void {
    this.#pending += lastText;
    this.flush();
    if (!this.#isStalled) this.#exchange.end();
  }

  /** Closes the connection after what is pending, without the end that the client waits for. */
  breakOff(): void {
    if (this.#plan.stream) {
      if (!this.#exchange.hasStarted) this.startStream();
      this.#exchange.writeAndCut(this.#pending);
    } else {
      const body = JSON.stringify(this.#plan.dialect.whole());
      this.#exchange.sendTruncated(body, Math.floor(body.length / 2));
    }
  }

  #sendWhole(): void {
    const body = this.#plan.dialect.whole();
    if (this.#fault?.kind === 'wrong-content-length') {
      const text = JSON.stringify(body);
      this.#exchange.sendTruncated(text, text.length, Buffer.byteLength(text) + 10);
    } else {
      this.#exchange.sendJson(200, body);
    }
  }
}
