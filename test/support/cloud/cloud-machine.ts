import type { FakeInstanceMetadata } from './instance-metadata.ts';
import { LifecycleAction } from './lifecycle-action.ts';
import type { CloudInstance, HookOptions, HookOutcome, HookResult } from './story.ts';

/** An Auto Scaling group: hooks, bounds, and its instances. */
export class ScalingGroup {
  readonly name: string;
  readonly hooks: readonly Required<HookOptions>[];
  readonly minSize: number;
  readonly maxSize: number;
  desiredCapacity: number;
  readonly cooldownSeconds: number;
  /** Until when a call that honours the cool-down is refused, ms of `performance.now()`. */
  cooldownUntilMs = 0;
  readonly machines = new Map<string, CloudMachine>();

  constructor(options: Omit<ScalingGroup, 'cooldownUntilMs' | 'machines'>) {
    this.name = options.name;
    this.hooks = options.hooks;
    this.minSize = options.minSize;
    this.maxSize = options.maxSize;
    this.desiredCapacity = options.desiredCapacity;
    this.cooldownSeconds = options.cooldownSeconds;
  }
}

/** One way of an instance through its group. */
interface Passage {
  readonly transition: HookOptions['transition'];
  /** What the instance's metadata says that it is to become. */
  readonly target: string;
  /** `LifecycleState` on the way, before `:Wait` and `:Proceed`. */
  readonly on: 'Pending' | 'Warmed:Pending' | 'Terminating' | 'Warmed:Terminating';
}

export interface CloudMachineOptions {
  readonly instanceId: string;
  readonly privateIp: string;
  readonly group: ScalingGroup | undefined;
  readonly metadata: FakeInstanceMetadata;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeScale: number;
}

/** An instance as its group, EC2 and its own metadata know it. */
export class CloudMachine implements CloudInstance {
  readonly instanceId: string;
  readonly privateIp: string;
  readonly group: ScalingGroup | undefined;
  readonly metadata: FakeInstanceMetadata;
  readonly environment: Readonly<Record<string, string>>;
  readonly outcomes: HookOutcome[] = [];
  /** Open, by the name of the hook. */
  readonly actions = new Map<string, LifecycleAction>();
  state = 'Pending';
  healthStatus: 'Healthy' | 'Unhealthy' = 'Healthy';
  isProtectedFromScaleIn = false;
  readonly #timeScale: number;
  #spotTimer: NodeJS.Timeout | undefined;

  constructor(options: CloudMachineOptions) {
    this.instanceId = options.instanceId;
    this.privateIp = options.privateIp;
    this.group = options.group;
    this.metadata = options.metadata;
    this.environment = options.environment;
    this.#timeScale = options.timeScale;
    this.group?.machines.set(this.instanceId, this);
    if (!this.group) this.state = 'InService';
  }

  get groupName(): string | undefined {
    return this.group?.name;
  }

  /** @param target where it goes: into service, or to the warm pool */
  launch(target: 'InService' | 'Warmed:Stopped' | 'Warmed:Running'): void {
    this.#go({ transition: 'launching', target, on: target === 'InService' ? 'Pending' : 'Warmed:Pending' });
  }

  terminate(): void {
    const isWarm = this.state.startsWith('Warmed:');
    this.#go({
      transition: 'terminating',
      target: isWarm ? 'Warmed:Terminated' : 'Terminated',
      on: isWarm ? 'Warmed:Terminating' : 'Terminating',
    });
  }

  returnToWarmPool(): void {
    this.#go({ transition: 'terminating', target: 'Warmed:Stopped', on: 'Warmed:Pending' });
  }

  interruptSpot(inMs: number, action: string): void {
    const time = new Date(Date.now() + this.metadata.clockAheadMs + inMs).toISOString();
    this.metadata.items.set('spot/instance-action', JSON.stringify({ action, time }));
    clearTimeout(this.#spotTimer);
    // Spot waits for no hook.
    this.#spotTimer = setTimeout(() => {
      this.#cancelActions();
      this.#enter('Terminated');
    }, inMs);
  }

  recommendRebalance(): void {
    const noticeTime = new Date(Date.now() + this.metadata.clockAheadMs).toISOString();
    this.metadata.items.set('events/recommendations/rebalance', JSON.stringify({ noticeTime }));
  }

  async close(): Promise<void> {
    clearTimeout(this.#spotTimer);
    this.#cancelActions();
    await this.metadata[Symbol.asyncDispose]();
  }

  #go(passage: Passage): void {
    this.#cancelActions();
    this.metadata.items.set('autoscaling/target-lifecycle-state', passage.target);
    const hooks = this.group?.hooks.filter(({ transition }) => transition === passage.transition) ?? [];
    if (hooks.length === 0) {
      this.#enter(passage.target);
      return;
    }
    this.#enter(`${passage.on}:Wait`);
    for (const hook of hooks) {
      const onEnd = (result: HookResult, by: 'call' | 'timeout') => this.#onEnd(passage, hook, result, by);
      this.actions.set(hook.name, new LifecycleAction(hook, this.#timeScale, onEnd));
    }
  }

  /** CONTINUE waits for the other hooks; ABANDON does not, and an instance whose launch is abandoned is terminated. */
  #onEnd(passage: Passage, hook: HookOptions, result: HookResult, by: 'call' | 'timeout'): void {
    const heartbeats = this.actions.get(hook.name)?.heartbeats ?? 0;
    this.actions.delete(hook.name);
    const { instanceId } = this;
    this.outcomes.push({ instanceId, hookName: hook.name, result, by, atMs: performance.now(), heartbeats });
    if (result === 'ABANDON' && passage.transition === 'launching') this.terminate();
    else if (result === 'ABANDON' || this.actions.size === 0) {
      this.#cancelActions();
      this.#enter(passage.target);
    }
  }

  #enter(state: string): void {
    this.state = state === 'Warmed:Terminated' ? 'Terminated' : state;
    if (this.state === 'Terminated') this.group?.machines.delete(this.instanceId);
  }

  #cancelActions(): void {
    for (const action of this.actions.values()) action.cancel();
    this.actions.clear();
  }
}
