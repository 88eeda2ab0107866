import type { Logger } from '../../shared/log.ts';
import { LifecycleHook } from './lifecycle-hook.ts';
import type { GroupMembership } from './machine.ts';
import { Told } from './told.ts';
import type { Wanted } from './wanted.ts';

export interface HookNames {
  readonly launch: string;
  readonly terminate: string;
  /** Heartbeat time-out of both, in ms. */
  readonly timeoutMs: number;
}

export interface GroupWordOptions {
  readonly group: GroupMembership;
  readonly hooks: HookNames;
  /** An earlier process of this runner switched protection from scale-in on. */
  readonly isProtected: boolean;
  readonly onLaunchAbandoned: (wasOpen: boolean) => void;
  readonly onUnhealthyTold: () => void;
  readonly onProtection: (isProtected: boolean) => void;
  readonly timeScale: number;
  readonly log: Logger;
}

/** All that a runner tells its Auto Scaling group. Nothing waits for it: AWS may be out of reach for hours. */
export class GroupWord {
  readonly #launch: LifecycleHook;
  readonly #terminate: LifecycleHook;
  readonly #health: Told<boolean>;
  readonly #protection: Told<boolean>;

  constructor(options: GroupWordOptions) {
    const { group, hooks, isProtected, onLaunchAbandoned, onUnhealthyTold, onProtection, timeScale, log } = options;
    const common = { group, timeoutMs: hooks.timeoutMs, timeScale, log };
    this.#launch = new LifecycleHook({
      ...{ ...common, name: hooks.launch },
      onCompleted: (result, wasOpen) => {
        if (result === 'ABANDON') onLaunchAbandoned(wasOpen);
      },
    });
    this.#terminate = new LifecycleHook({ ...common, name: hooks.terminate, onCompleted: () => {} });
    this.#health = new Told(false, {
      ...{ what: 'unhealthy', timeScale, log },
      // An instance that is well says nothing: its health is the group's own finding.
      tell: async (isUnhealthy, signal) => {
        if (isUnhealthy) await group.setUnhealthy(signal);
      },
      onTold: (isUnhealthy) => {
        if (isUnhealthy) onUnhealthyTold();
      },
    });
    this.#protection = new Told(isProtected, {
      ...{ what: 'scale-in protection', timeScale, log },
      tell: async (wantsProtection, signal) => {
        // Noted before it is on, and until it is off: a process that dies in between leaves no protection for ever.
        if (wantsProtection) onProtection(true);
        await group.setScaleInProtection(wantsProtection, signal);
      },
      onTold: onProtection,
    });
  }

  /** Sees to it that the group hears what is wanted; what it has heard is not said again. */
  follow(wanted: Wanted): void {
    this.#launch.wish(wanted.launchAction);
    this.#terminate.wish(wanted.terminateAction);
    this.#health.set(wanted.isUnhealthy);
    this.#protection.set(wanted.isProtected);
  }

  /** Resolves when the group has answered to what is to become of its actions. */
  async settled(): Promise<void> {
    await Promise.all([this.#launch.settled, this.#terminate.settled]);
  }

  close(): void {
    for (const part of [this.#launch, this.#terminate, this.#health, this.#protection]) part.close();
  }
}
