import { setTimeout as delay } from 'node:timers/promises';
import { type Answered, SessionClient } from '../support/session-client.ts';

/** A message whose answer the client has seen the end of. */
export interface Acknowledged {
  readonly content: string;
  readonly answer: string;
}

export interface ConversationOptions {
  readonly routerUrls: readonly string[];
  readonly key: string;
  readonly agent: 'counting' | 'chat';
  /** Divides the waits that routers ask for. */
  readonly timeScale: number;
  readonly random: () => number;
  /** Counts what happened to the client, by a word for it. */
  readonly count: (what: string) => void;
}

/** How one attempt to send a message ended. */
type Outcome =
  | { readonly kind: 'answered'; readonly text: string; readonly isReplayed: boolean }
  | { readonly kind: 'refused'; readonly status: number; readonly code: string; readonly retryAfterSeconds: number }
  /** No answer, or not to its end. */
  | { readonly kind: 'cut' };

/** What a good client does after a refusal. */
export type Move = 'resume' | 'wait' | 'give up';

const callTimeoutMs = 20_000;
const patienceMs = 60_000;

/** Everything that may pass by itself is waited for; what a paused session needs is its resumption. */
export function moveAfter(status: number, code: string): Move {
  if (code === 'SESSION_PAUSED' || code === 'RUNNER_LOST' || code === 'TURN_SUPERSEDED') return 'resume';
  return status === 409 || status === 429 || status >= 500 ? 'wait' : 'give up';
}

/**
 * One session as a good client holds it: each message with a key of its own, sent again at another router until its
 * answer has been seen to the end, resumed whenever it is paused.
 */
export class Conversation {
  readonly acknowledged: Acknowledged[] = [];
  readonly #options: ConversationOptions;
  readonly #clients: readonly SessionClient[];
  #client = 0;
  #id = '';

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.#clients = options.routerUrls.map((url) => new SessionClient(url, options.key, callTimeoutMs));
    this.#client = Math.floor(options.random() * this.#clients.length);
  }

  get id(): string {
    return this.#id;
  }

  get agent(): string {
    return this.#options.agent;
  }

  async begin(): Promise<void> {
    await this.#insist('begins', async () => {
      const { status, body } = await this.#current.call('POST', '/api/sessions', { agent: this.#options.agent });
      if (status === 201) this.#id = body.id;
      return refusalOf(status, body);
    });
  }

  /** Sends one message after the other, with pauses, and ends when told to, after the answer to the last one. */
  async talk(thinkMs: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.say();
      const pauseMs = thinkMs * 2 * this.#options.random();
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** @throws when its answer cannot be had within a minute, or something was refused that should not be */
  async say(): Promise<void> {
    const number = this.acknowledged.length + 1;
    const content = `message ${number} of ${this.#id}`;
    await this.#insist(`says message ${number}`, async () => {
      const outcome = await this.#attempt(content, `key-${number}`);
      if (outcome.kind !== 'answered') return outcome;
      this.acknowledged.push({ content, answer: outcome.text });
      this.#options.count(outcome.isReplayed ? 'answers fetched again' : 'answers');
      return undefined;
    });
  }

  async resume(): Promise<void> {
    await this.#insist('resumes', async () => {
      const { status, body } = await this.#current.post(this.#id, 'resume');
      if (status === 200) this.#options.count('resumptions');
      return refusalOf(status, body);
    });
  }

  /** The session as its owner sees it now. */
  async look(): Promise<Answered['body']> {
    let seen: Answered['body'];
    await this.#insist('looks', async () => {
      const { status, body } = await this.#current.get(this.#id);
      seen = body;
      return refusalOf(status, body);
    });
    return seen;
  }

  async end(): Promise<void> {
    await this.#insist('ends', async () => {
      const { status, body } = await this.#current.call('DELETE', `/api/sessions/${this.#id}`);
      return refusalOf(status, body);
    });
  }

  get #current(): SessionClient {
    return this.#clients[this.#client]!;
  }

  /** Half of the messages are streamed. */
  async #attempt(content: string, key: string): Promise<Outcome> {
    const headers = { 'idempotency-key': key };
    if (this.#options.random() < 0.5) {
      const { status, body, headers: answered } = await this.#current.ask(this.#id, content, headers);
      const refusal = refusalOf(status, body);
      if (refusal) return refusal;
      const text = body.choices[0].message.content as string;
      return { kind: 'answered', text, isReplayed: answered.has('x-fleet-replayed') };
    }
    const stream = await this.#current.stream(this.#id, content, headers);
    const { status, headers: answered } = stream.response;
    if (status !== 200) return refusalOf(status, await stream.response.json())!;
    const events = await stream.rest();
    let text = '';
    for (const event of events) {
      if (event === '[DONE]') return { kind: 'answered', text, isReplayed: answered.has('x-fleet-replayed') };
      if ('error' in event) return refusalOf(503, event)!;
      const { choices } = event as { choices: { delta: { content?: string } }[] };
      text += choices[0]?.delta.content ?? '';
    }
    return { kind: 'cut' };
  }

  /** Repeats a call until it is done. @param attempt what is in its way, undefined when it is done */
  async #insist(
    what: string,
    attempt: () => Promise<Exclude<Outcome, { kind: 'answered' }> | undefined>,
  ): Promise<void> {
    const { count, timeScale } = this.#options;
    const seen: string[] = [];
    for (const deadline = performance.now() + patienceMs; ; ) {
      const refusal = await attempt().catch((): Outcome & { kind: 'cut' } => ({ kind: 'cut' }));
      if (refusal === undefined) return;
      const code = refusal.kind === 'cut' ? 'cut off' : refusal.code;
      count(code);
      seen.push(code);
      const move = refusal.kind === 'cut' ? 'wait' : moveAfter(refusal.status, refusal.code);
      if (move === 'give up' || performance.now() > deadline) {
        throw new Error(`${this.#id} ${what} in vain: ${seen.slice(-20).join(', ')}`);
      }
      this.#client = (this.#client + 1) % this.#clients.length;
      if (move === 'resume' && what !== 'resumes') await this.resume();
      else await delay(refusal.kind === 'cut' ? 100 : Math.max(50, (1_000 * refusal.retryAfterSeconds) / timeScale));
    }
  }
}

function refusalOf(status: number, body: Answered['body']): (Outcome & { kind: 'refused' }) | undefined {
  if (status < 300) return undefined;
  return { kind: 'refused', status, code: body?.error?.code ?? `status ${status}`, retryAfterSeconds: 1 };
}
