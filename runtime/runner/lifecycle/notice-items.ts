import type { MetadataItem } from '../../shared/imds.ts';
import type { MachineNotice, TargetState } from './machine.ts';

/** The items of the instance metadata that announce something. */
export const noticePaths = {
  spot: 'spot/instance-action',
  targetState: 'autoscaling/target-lifecycle-state',
  rebalance: 'events/recommendations/rebalance',
} as const;

/** Longest time between Spot's notice and the interruption, by AWS's documentation. */
const spotNoticeMs = 120_000;

/** The service tells its time to the second, and the answer was on its way: less than this is no skew. */
const smallestSkewMs = 2_000;

const targetStates: ReadonlySet<string> = new Set<TargetState>([
  'InService',
  'Standby',
  'Terminated',
  'Warmed:Stopped',
  'Warmed:Running',
  'Warmed:Hibernated',
  'Warmed:Terminated',
  'Detached',
]);

/** @returns undefined for what is no state */
export function parseTargetState(text: string): TargetState | undefined {
  const state = text.trim();
  return targetStates.has(state) ? (state as TargetState) : undefined;
}

/**
 * `{"action": "terminate", "time": "2026-11-05T08:22:00Z"}`. An action that is not known counts as `terminate`, the
 * worst, and a time that is none as the longest notice there is. `nowMs`: this machine's clock, by which `atMs` goes too.
 * @returns undefined for what is no notice
 */
export function parseSpotInterruption(item: MetadataItem, nowMs: number): MachineNotice | undefined {
  const { action, time } = jsonObject(item.text);
  if (typeof action !== 'string') return undefined;
  return {
    kind: 'spot-interruption',
    action: action === 'stop' || action === 'hibernate' ? action : 'terminate',
    atMs: onThisClock(time, item, nowMs) ?? nowMs + spotNoticeMs,
  };
}

/** `{"noticeTime": "2026-11-05T08:22:00Z"}`; otherwise as above. */
export function parseRebalance(item: MetadataItem, nowMs: number): MachineNotice | undefined {
  const { noticeTime } = jsonObject(item.text);
  if (typeof noticeTime !== 'string') return undefined;
  return { kind: 'rebalance', atMs: onThisClock(noticeTime, item, nowMs) ?? nowMs };
}

/** AWS's instant on this machine's clock, which may be wrong: what counts is how far off the instant is. */
function onThisClock(time: unknown, { sentAtMs }: MetadataItem, nowMs: number): number | undefined {
  const ms = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  if (Number.isNaN(ms)) return undefined;
  const skewMs = sentAtMs === undefined ? 0 : nowMs - sentAtMs;
  return Math.abs(skewMs) < smallestSkewMs ? ms : ms + skewMs;
}

/** @returns an empty object for anything that is no JSON object */
function jsonObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
