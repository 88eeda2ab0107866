import type { Departure } from './departure.ts';
import type { MachineNotice, TargetState } from './machine.ts';

/** Everything that decides what an instance does next. Plain data, changed by `afterEvent` alone. */
export interface LifecycleFacts {
  /** What the group wants of the instance; undefined off AWS, outside of groups and while unreadable. */
  readonly targetState: TargetState | undefined;
  /** What came of this process's engine: its first generation, or that it was given up before one. */
  readonly start: 'under-way' | 'generated' | 'failed';
  /** Whether what made the start fail is this machine's own; a wrong flag fails everywhere. */
  readonly newMachineHelps: boolean;
  /** The group knows of no launch that waits for this instance: a failed start is then a matter of its health. */
  readonly isLaunchOver: boolean;
  /** All is on disk that a later start needs. */
  readonly isPrepared: boolean;
  /** The engine was stopped after a preparation, and this process has no other. */
  readonly isEngineStopped: boolean;
  /** The engine was, or is to be, on the routers' lists. */
  readonly hasServed: boolean;
  readonly departure: Departure | undefined;
  /** How far the departure's drain is. `moved`: no request runs and the sessions are elsewhere. */
  readonly drain: 'not-begun' | 'running' | 'moved' | 'over';
  /** What is beyond repair, although it generated once. */
  readonly broken: 'engine' | 'gpu' | undefined;
  /** The group was told that the instance is unhealthy. */
  readonly isUnhealthyTold: boolean;
  /** Spot recommends to move away. */
  readonly isRebalanceAdvised: boolean;
  /** Other workers that could take this one's requests, by the routers; undefined while none has told. */
  readonly otherReadyWorkers: number | undefined;
  /** Age of the oldest request or turn that runs, in ms. */
  readonly longestJobMs: number;
}

export const initialFacts: LifecycleFacts = {
  targetState: undefined,
  start: 'under-way',
  newMachineHelps: true,
  isLaunchOver: false,
  isPrepared: false,
  isEngineStopped: false,
  hasServed: false,
  departure: undefined,
  drain: 'not-begun',
  broken: undefined,
  isUnhealthyTold: false,
  isRebalanceAdvised: false,
  otherReadyWorkers: undefined,
  longestJobMs: 0,
};

export type LifecycleEvent =
  | MachineNotice
  | { readonly kind: 'booted' }
  | { readonly kind: 'drain-requested' }
  /** The engine is on the routers' lists as soon as it generates. */
  | { readonly kind: 'admitted' }
  | { readonly kind: 'signal' }
  /** The engine generated, for the first time or again. */
  | { readonly kind: 'generated' }
  | { readonly kind: 'prepared'; readonly isEngineStopped: boolean }
  | { readonly kind: 'preparation-failed' }
  | { readonly kind: 'given-up'; readonly newMachineHelps: boolean }
  | { readonly kind: 'gpu-failure' }
  | { readonly kind: 'draining' }
  | { readonly kind: 'moved' }
  | { readonly kind: 'drained' }
  /** The group answered to the launch hook's `ABANDON`. */
  | { readonly kind: 'launch-abandoned'; readonly wasOpen: boolean }
  | { readonly kind: 'unhealthy-told' }
  | { readonly kind: 'work-seen'; readonly otherReadyWorkers: number | undefined; readonly longestJobMs: number };

/** In ms of real time. */
export interface LifecycleBudgets {
  /** Longest wait for requests in flight. */
  readonly drainMs: number;
  /** How long before a Spot interruption requests are handed over. */
  readonly handOverLeadMs: number;
}
