import { readdirSync, readFileSync } from 'node:fs';
import { parseRawResponse, type RawResponse } from '../support/raw-http.ts';

/** Bytes of a real SGLang 0.5.23, captured request by request. */
const folder = new URL('../../fixtures/sglang-real-0.5.23/', import.meta.url);

export const scenarioNames: readonly string[] = readdirSync(folder)
  .filter((name) => name.endsWith('.req'))
  .map((name) => name.slice(0, -'.req'.length));

export function capturedRequest(name: string): Buffer {
  return readFileSync(new URL(`${name}.req`, folder));
}

export function capturedResponse(name: string): RawResponse {
  return parseRawResponse(readFileSync(new URL(`${name}.resp`, folder)));
}

export function capturedJson(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'));
}

export function capturedLog(): string {
  return readFileSync(new URL('server.log', folder), 'utf8');
}

/** The settings with which the captures were made, as far as the simulator has them. */
export const capturedModel = '/opt/sgl/tiny';
export const capturedContextLength = 8_192;
export const capturedPoolTokens = 20_000;
