export interface WarmFacts<Agent> {
  readonly maxSandboxes: number;
  /** Sandboxes that have a session. */
  readonly active: number;
  /** What each agent wants, in order of importance. */
  readonly wanted: ReadonlyMap<Agent, number>;
}

/**
 * How many sandboxes of each agent to keep started and waiting. Together they take at most half of the free places:
 * routers count them as taken, and must see a free place as long as there is one.
 */
export function planWarm<Agent>({ maxSandboxes, active, wanted }: WarmFacts<Agent>): Map<Agent, number> {
  let left = Math.max(0, Math.floor((maxSandboxes - active) / 2));
  return new Map(
    [...wanted].map(([agent, count]) => {
      const granted = Math.min(count, left);
      left -= granted;
      return [agent, granted];
    }),
  );
}
