import { InvalidArgumentError } from 'commander';

/** Parsers for command-line and environment values; they throw what commander prints as a usage error. */

export function parsePort(text: string): number {
  return parseIntegerIn(0, 65_535)(text);
}

export function parseIntegerIn(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^-?\d+$/.test(text.trim()) || value < min || value > max) {
      throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

export function parsePositiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0) {
    throw new InvalidArgumentError('expected a number above 0.');
  }
  return value;
}

export function parseNonNegativeNumber(text: string): number {
  return text.trim() !== '' && Number(text) === 0 ? 0 : parsePositiveNumber(text);
}

/** An http or https base URL, returned without its trailing slash. */
export function parseBaseUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new InvalidArgumentError('expected a URL such as http://10.0.0.5:7999.');
  }
  return text.replace(/\/+$/, '');
}

/** Collects a repeatable, comma-separable option of base URLs. */
export function collectBaseUrls(text: string, previous: readonly string[] = []): string[] {
  return [...previous, ...text.split(',').map((part) => parseBaseUrl(part.trim()))];
}
