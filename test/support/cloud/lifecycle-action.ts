import type { HookOptions, HookResult } from './story.ts';

/** AWS's limit: the smaller of 48 h and a hundred times the heartbeat time-out. */
function longestSeconds(heartbeatTimeoutSeconds: number): number {
  return Math.min(172_800, 100 * heartbeatTimeoutSeconds);
}

/** A hook that waits for one instance, with its clock running. */
export class LifecycleAction {
  readonly hook: Required<HookOptions>;
  heartbeats = 0;
  readonly #timeScale: number;
  readonly #onEnd: (result: HookResult, by: 'call' | 'timeout') => void;
  #heartbeatTimer: NodeJS.Timeout;
  readonly #globalTimer: NodeJS.Timeout;

  constructor(
    hook: Required<HookOptions>,
    timeScale: number,
    onEnd: (result: HookResult, by: 'call' | 'timeout') => void,
  ) {
    this.hook = hook;
    this.#timeScale = timeScale;
    this.#onEnd = onEnd;
    this.#heartbeatTimer = this.#timeOutIn(hook.heartbeatTimeoutSeconds);
    this.#globalTimer = this.#timeOutIn(longestSeconds(hook.heartbeatTimeoutSeconds));
  }

  heartbeat(): void {
    this.heartbeats++;
    clearTimeout(this.#heartbeatTimer);
    this.#heartbeatTimer = this.#timeOutIn(this.hook.heartbeatTimeoutSeconds);
  }

  complete(result: HookResult): void {
    this.cancel();
    this.#onEnd(result, 'call');
  }

  /** Ends without a result. */
  cancel(): void {
    clearTimeout(this.#heartbeatTimer);
    clearTimeout(this.#globalTimer);
  }

  #timeOutIn(seconds: number): NodeJS.Timeout {
    return setTimeout(
      () => {
        this.cancel();
        this.#onEnd(this.hook.defaultResult, 'timeout');
      },
      (1_000 * seconds) / this.#timeScale,
    );
  }
}
