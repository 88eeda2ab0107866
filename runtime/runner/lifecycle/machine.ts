/** The machine under a runner as its cloud sees it. Off AWS there is none. */
export interface Machine {
  readonly instanceId: string;
  /** Auto Scaling group that owns the instance; undefined for one that stands alone. */
  readonly groupName: string | undefined;
  readonly group: GroupMembership;
  /** Told of each notice once, in the order of their coming, from `start` on. */
  onNotice(listener: (notice: MachineNotice) => void): void;
  /** State that the group wants of this instance now; undefined when nothing says. @throws when `signal` aborts */
  readTargetState(signal?: AbortSignal): Promise<TargetState | undefined>;
  start(): void;
  close(): void;
}

/** `autoscaling/target-lifecycle-state` of the instance metadata. */
export type TargetState =
  | 'InService'
  | 'Standby'
  | 'Terminated'
  | 'Warmed:Stopped'
  | 'Warmed:Running'
  | 'Warmed:Hibernated'
  | 'Warmed:Terminated'
  | 'Detached';

export type MachineNotice =
  | { readonly kind: 'target-state'; readonly state: TargetState }
  /** Spot takes the machine back. `atMs`: when, ms since the epoch. */
  | { readonly kind: 'spot-interruption'; readonly action: 'terminate' | 'stop' | 'hibernate'; readonly atMs: number }
  /** Spot will probably take it back. `atMs`: when the recommendation was made. */
  | { readonly kind: 'rebalance'; readonly atMs: number };

/** What a member of an Auto Scaling group may tell it. Each call is idempotent, and rejects when AWS was not reached in time. */
export interface GroupMembership {
  /** @returns false when no such action is open (already completed, timed out, or the group has no such hook) */
  completeLifecycleAction(hookName: string, result: 'CONTINUE' | 'ABANDON', signal?: AbortSignal): Promise<boolean>;
  /** Restarts the hook's time-out. @returns as above */
  recordHeartbeat(hookName: string, signal?: AbortSignal): Promise<boolean>;
  /** The group replaces the instance, after its terminate hook. */
  setUnhealthy(signal?: AbortSignal): Promise<void>;
  setScaleInProtection(isProtected: boolean, signal?: AbortSignal): Promise<void>;
}
