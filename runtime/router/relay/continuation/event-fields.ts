/** Whether an engine's value is a number that can be counted with: JSON's `1e999` is not. */
export function isCount(value: unknown): value is number {
  return Number.isFinite(value);
}

/** Ids of tokens, or none. */
export function isTokenIds(value: unknown): value is readonly number[] | null | undefined {
  return value === undefined || value === null || (Array.isArray(value) && value.every(isCount));
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
