import { healthyResetMs, nextRestart } from '../../../runtime/shared/process/restart-policy.ts';

test('the wait doubles from 0.5 s to 16 s and stays there', () => {
  const waits = [0, 1, 2, 3, 4, 5, 6, 40].map(
    (failuresBefore) => nextRestart({ failuresBefore, healthyMs: 10 }).waitMs,
  );
  expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 16_000, 16_000]);
});

test('a minute of health starts the count anew', () => {
  expect(nextRestart({ failuresBefore: 7, healthyMs: healthyResetMs })).toEqual({ waitMs: 500, failures: 1 });
});

test('a process that never became healthy does not reset the count, however long it tried', () => {
  expect(nextRestart({ failuresBefore: 2, healthyMs: undefined })).toEqual({ waitMs: 2_000, failures: 3 });
});
