export interface WeightedValue {
  readonly value: number;
  readonly count: number;
}

/** Largest relative error of a value that stands for others. */
export const bucketError = 0.01;

/** Largest ratio of two values that one value between them can stand for. */
const bucketRatio = (1 + bucketError) ** 2;

/**
 * The distribution `counts` in at most `limit` values if that is possible with an error of 1 % in each; otherwise in as
 * few as that error allows, for the caller to split. Up to `limit` values stay what they are. Counts always add up.
 */
export function compressValues(counts: ReadonlyMap<number, number>, limit: number): WeightedValue[] {
  const exact = [...counts].map(([value, count]) => ({ value, count }));
  if (exact.length <= limit) return exact;
  exact.sort((a, b) => a.value - b.value);
  const compressed: WeightedValue[] = [];
  for (let start = 0; start < exact.length; ) {
    let end = start + 1;
    while (end < exact.length && areClose(exact[start]!.value, exact[end]!.value)) end++;
    compressed.push(standIn(exact.slice(start, end)));
    start = end;
  }
  return compressed;
}

/** Zero is close to nothing but itself. */
function areClose(a: number, b: number): boolean {
  if (Math.sign(a) !== Math.sign(b)) return false;
  return Math.max(Math.abs(a), Math.abs(b)) <= Math.min(Math.abs(a), Math.abs(b)) * bucketRatio;
}

/** The mean, so that sums stay right, but never further than the error from any member. @param members by value */
function standIn(members: readonly WeightedValue[]): WeightedValue {
  if (members.length === 1) return members[0]!;
  const count = members.reduce((sum, member) => sum + member.count, 0);
  // Weights first: a sum of values near the limit would overflow.
  const mean = members.reduce((sum, member) => sum + member.value * (member.count / count), 0);
  const ends = [Math.abs(members[0]!.value), Math.abs(members.at(-1)!.value)];
  const lowest = Math.max(...ends) / (1 + bucketError);
  const highest = Math.min(...ends) * (1 + bucketError);
  return { value: Math.sign(mean) * Math.min(highest, Math.max(lowest, Math.abs(mean))), count };
}

/** `items` in pieces of at most `size`. */
export function chunksOf<T>(items: readonly T[], size: number): T[][] {
  const chunks: T[][] = [];
  for (let start = 0; start < items.length; start += size) chunks.push(items.slice(start, start + size));
  return chunks;
}
