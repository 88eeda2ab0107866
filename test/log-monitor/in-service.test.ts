import { describe, expect, test } from '@jest/globals';
import { isInService } from '../../runtime/log-monitor/in-service.ts';
import { readRunnerHealth } from '../../runtime/log-monitor/watch/runner-watch.ts';

const nowMs = 1_000_000;

describe('the runner decides', () => {
  const engine = 'serving' as const;
  test('while it says that its engine is ready', () => {
    const runner = { isServing: true, atMs: nowMs };
    expect(isInService({ runner, engine: 'unknown', engineAnswers: false }, nowMs)).toBe(true);
    expect(isInService({ runner: { ...runner, isServing: false }, engine, engineAnswers: true }, nowMs)).toBe(false);
  });

  test('half a minute beyond its last word, and not longer', () => {
    const runner = { isServing: true, atMs: nowMs - 30_000 };
    expect(isInService({ runner, engine, engineAnswers: true }, nowMs)).toBe(true);
    expect(isInService({ runner, engine, engineAnswers: true }, nowMs + 1)).toBe(false);
  });

  test('a runner that never answered has not put the worker into service', () => {
    expect(isInService({ runner: null, engine, engineAnswers: true }, nowMs)).toBe(false);
  });
});

describe('without a runner', () => {
  test.each([
    ['serving', undefined, true],
    ['serving', true, true],
    ['serving', false, false],
    ['starting', true, false],
    ['dead', true, false],
    ['unknown', true, true],
    ['unknown', undefined, false],
  ] as const)('an engine that is %s and whose server answers: %s', (engine, engineAnswers, expected) => {
    expect(isInService({ runner: undefined, engine, engineAnswers }, nowMs)).toBe(expected);
  });
});

describe("the runner's health", () => {
  test.each([
    ['{"status":"ok","model":"m","engine":{"state":"ready"}}', { isServing: true, model: 'm' }],
    ['{"status":"ok","model":null,"engine":{"state":"starting"}}', { isServing: false, model: null }],
    ['{"status":"draining","model":"m","engine":{"state":"ready"}}', { isServing: false, model: 'm' }],
    ['{"status":"ok"}', undefined],
    ['null', undefined],
    ['<html>', undefined],
  ])('%s', (text, expected) => expect(readRunnerHealth(text)).toEqual(expected));
});
