import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

interface Call<M> {
  readonly id: number;
  readonly message: M;
}

interface Reply {
  readonly id: number;
  readonly kind: 'mark' | 'result' | 'error';
  readonly value: unknown;
}

/** A part of the benchmark that runs as its own process and takes calls over IPC. It ends with the benchmark. */
export class RemoteProcess<M> implements Disposable {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, (reply: Reply) => void>();
  #lastId = 0;

  /** @param file program that runs `answerCalls` */
  constructor(file: string, args: readonly string[] = []) {
    this.#child = fork(file, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
    this.#child.on('message', (reply: Reply) => this.#pending.get(reply.id)?.(reply));
    this.#child.on('exit', (code, signal) => {
      const value = `${file} ended with ${signal ?? code}`;
      for (const [id, settle] of this.#pending) settle({ id, kind: 'error', value });
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** @param onMark called with what the other side reports on its way */
  async call<R>(message: M, onMark: (value: unknown) => void = () => {}): Promise<R> {
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    this.#pending.set(id, ({ kind, value }) => {
      if (kind === 'mark') onMark(value);
      else if (kind === 'result') resolve(value as R);
      else reject(new Error(String(value)));
    });
    this.#child.send({ id, message } satisfies Call<M>, (error) => error && reject(error));
    return promise.finally(() => this.#pending.delete(id));
  }

  async kill(): Promise<void> {
    const ended = this.#child.exitCode === null && this.#child.signalCode === null ? once(this.#child, 'exit') : null;
    this.#child.kill('SIGKILL');
    await ended;
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }
}

/** The other side: answers each call with the handler's result, and ends when the caller does. */
export function answerCalls<M>(handle: (message: M, mark: (value: unknown) => void) => unknown): void {
  const send = (reply: Reply) => process.connected && process.send!(reply);
  process.on('message', async ({ id, message }: Call<M>) => {
    try {
      const value = await handle(message, (mark) => send({ id, kind: 'mark', value: mark }));
      send({ id, kind: 'result', value });
    } catch (error) {
      send({ id, kind: 'error', value: error instanceof Error ? error.stack : error });
    }
  });
  process.once('disconnect', () => process.exit());
}
