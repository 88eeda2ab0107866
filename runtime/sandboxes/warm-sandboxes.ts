import { backoffMs } from '../shared/backoff.ts';
import { describeError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import { restartBackoffSeconds } from '../shared/process/restart-policy.ts';
import type { AgentDefinition } from './agent-definition.ts';
import type { Sandbox } from './sandbox.ts';

export interface WarmSandboxesOptions {
  /** How many of each agent are wanted now, in order of importance. */
  readonly plan: () => ReadonlyMap<AgentDefinition, number>;
  readonly start: (agent: AgentDefinition) => Sandbox;
  readonly log: Logger;
}

/** The sandboxes that wait, started, for a session. One is started at a time, so that no session waits for them. */
export class WarmSandboxes {
  readonly #options: WarmSandboxesOptions;
  readonly #waiting: Sandbox[] = [];
  #starting: AgentDefinition | undefined;
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: WarmSandboxesOptions) {
    this.#options = options;
  }

  /** Waiting ones, and the one that is being started. */
  get count(): number {
    return this.#waiting.length + (this.#starting ? 1 : 0);
  }

  /** A waiting sandbox of the agent, which then belongs to the caller. */
  take(agent: AgentDefinition): Sandbox | undefined {
    const sandbox = this.#waiting.find((waiting) => waiting.agent === agent);
    if (sandbox) this.#remove(sandbox);
    return sandbox;
  }

  /** Brings their number to what is wanted now. */
  adjust(): void {
    for (const [agent, wanted] of this.#options.plan()) {
      const waiting = this.#waiting.filter((sandbox) => sandbox.agent === agent);
      for (const surplus of waiting.slice(wanted)) {
        this.#remove(surplus);
        void surplus.end('its place is needed');
      }
      if (waiting.length < wanted && !this.#starting && this.#retry === undefined) void this.#start(agent);
    }
  }

  /** Never rejects. */
  async #start(agent: AgentDefinition): Promise<void> {
    this.#starting = agent;
    const sandbox = this.#options.start(agent);
    try {
      await sandbox.whenReady();
      this.#failures = 0;
      this.#waiting.push(sandbox);
      void sandbox.ended.then(() => {
        if (this.#remove(sandbox)) this.adjust();
      });
    } catch (error) {
      this.#failures++;
      const waitMs = backoffMs(restartBackoffSeconds, this.#failures);
      this.#options.log.warn('warming a sandbox failed', { agent: agent.name, waitMs, detail: describeError(error) });
      this.#retry = setTimeout(() => {
        this.#retry = undefined;
        this.adjust();
      }, waitMs).unref();
    }
    this.#starting = undefined;
    this.adjust();
  }

  /** False when it was none of them. */
  #remove(sandbox: Sandbox): boolean {
    const index = this.#waiting.indexOf(sandbox);
    if (index === -1) return false;
    this.#waiting.splice(index, 1);
    return true;
  }
}
