import { holdOutMs } from '../../../runtime/router/coordinator/breaker.ts';

test('one or two failures in a row cost only the proof, more cost time, never more than half a minute', () => {
  expect([0, 1, 2, 3, 4, 5, 9, 100].map(holdOutMs)).toEqual([0, 0, 0, 500, 1_000, 2_000, 30_000, 30_000]);
});
