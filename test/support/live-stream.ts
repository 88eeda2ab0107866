import { EventSplitter } from '../../runtime/shared/sse.ts';

/** How a client's request ended. Times on the clock of `performance.now()`. */
export interface ClientAnswer {
  readonly status: number;
  readonly text: string;
  /** `finish_reason`; undefined when the answer did not come to one. */
  readonly finish: string | undefined;
  /** What went wrong, in the client's eyes. */
  readonly failure: string | undefined;
  readonly endedAtMs: number;
}

interface Chunk {
  readonly error?: { readonly message: string };
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null };
    readonly message?: { readonly content: string };
    readonly finish_reason?: string | null;
  }[];
}

/** A chat request whose answer is being read. */
export class LiveStream {
  /** Of the first attempt, as the answer's head names it. */
  readonly worker: string | null;
  /** Resolves with the first text; rejects when there is none. */
  readonly begun: Promise<void>;
  readonly ended: Promise<ClientAnswer>;
  /** What has come so far. */
  text = '';

  static async open(url: string, body: object): Promise<LiveStream> {
    return new LiveStream(await postChat(url, { ...body, stream: true }));
  }

  private constructor(response: Response) {
    this.worker = response.headers.get('x-fleet-worker');
    const begun = Promise.withResolvers<void>();
    this.begun = begun.promise;
    this.begun.catch(() => {});
    this.ended = this.#read(response, () => begun.resolve()).finally(() =>
      begun.reject(new Error('the stream ended without text')),
    );
  }

  async #read(response: Response, onText: () => void): Promise<ClientAnswer> {
    const splitter = new EventSplitter();
    let finish: string | undefined;
    let failure: string | undefined;
    let isDone = false;
    try {
      for await (const bytes of response.body!) {
        for (const payload of splitter.push(bytes)) {
          isDone ||= payload === '[DONE]';
          if (payload === '[DONE]') continue;
          const { error, choices = [] } = JSON.parse(payload) as Chunk;
          failure ??= error?.message;
          for (const { delta, finish_reason } of choices) {
            this.text += delta?.content ?? '';
            finish ??= finish_reason ?? undefined;
          }
          if (this.text !== '') onText();
        }
      }
    } catch (error) {
      failure ??= String(error);
    }
    if (!isDone) failure ??= 'no end mark';
    return { status: response.status, text: this.text, finish, failure, endedAtMs: performance.now() };
  }
}

/** The whole answer to a chat request, not streamed. */
export async function completeChat(url: string, body: object): Promise<ClientAnswer> {
  const response = await postChat(url, body);
  const answer = (await response.json()) as Chunk;
  const choice = answer.choices?.[0];
  return {
    status: response.status,
    text: choice?.message?.content ?? '',
    finish: choice?.finish_reason ?? undefined,
    failure: response.ok ? undefined : (answer.error?.message ?? `status ${response.status}`),
    endedAtMs: performance.now(),
  };
}

function postChat(url: string, body: object): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}
