import { expect, test } from '@jest/globals';
import { eventTimeMs } from '../../runtime/log-monitor/event-time.ts';

test.each([
  ['2025-05-12 00:02:45', Date.UTC(2025, 4, 12, 0, 2, 45)],
  ['2026-05-10 12:00:11.896', Date.UTC(2026, 4, 10, 12, 0, 11, 896)],
  ['2025-12-30T15:52:40.206058Z', Date.UTC(2025, 11, 30, 15, 52, 40, 206)],
  ['2025-12-30T15:52:40+02:00', Date.UTC(2025, 11, 30, 13, 52, 40)],
  ['16:43:29', ((16 * 60 + 43) * 60 + 29) * 1_000],
  ['yesterday', undefined],
])('%s', (time, expected) => {
  expect(eventTimeMs(time)).toBe(expected);
});
