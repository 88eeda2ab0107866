import fc from 'fast-check';
import {
  parseRebalance,
  parseSpotInterruption,
  parseTargetState,
} from '../../../runtime/runner/lifecycle/notice-items.ts';

const now = Date.parse('2026-11-05T08:20:00.400Z');
const item = (text: string, sentAtMs: number | undefined = Date.parse('2026-11-05T08:20:00Z')) => ({ text, sentAtMs });
const spot = (action: unknown, time: unknown) => JSON.stringify({ action, time });

test.each(['InService', 'Standby', 'Terminated', 'Detached', 'Warmed:Stopped', 'Warmed:Running', 'Warmed:Terminated'])(
  '%s is a target state',
  (state) => {
    expect(parseTargetState(state)).toBe(state);
    expect(parseTargetState(`${state}\n`)).toBe(state);
  },
);

test.each(['', 'inservice', 'Terminating:Wait', '<html>', 'constructor'])('%p is no target state', (text) => {
  expect(parseTargetState(text)).toBeUndefined();
});

test('an interruption says what happens, and when', () => {
  const notice = parseSpotInterruption(item('{"action": "stop", "time": "2026-11-05T08:22:00Z"}'), now);
  expect(notice).toEqual({ kind: 'spot-interruption', action: 'stop', atMs: Date.parse('2026-11-05T08:22:00Z') });
});

test('an action that is not known is taken for the worst', () => {
  expect(parseSpotInterruption(item(spot('vanish', '2026-11-05T08:22:00Z')), now)).toMatchObject({
    action: 'terminate',
  });
});

test.each([undefined, 17, 'soon', null])('an interruption at the time %p is in two minutes', (time) => {
  expect(parseSpotInterruption(item(spot('terminate', time)), now)).toMatchObject({ atMs: now + 120_000 });
});

test.each([3_600_000, -3_600_000])(
  'on a clock that is %d ms off, a notice is as far away as on the right one',
  (offMs) => {
    const text = spot('terminate', '2026-11-05T08:22:00Z');
    const notice = parseSpotInterruption(item(text), now + offMs) as { atMs: number };
    // The service tells its time to the second.
    expect(Math.abs(notice.atMs - (now + offMs) - 120_000)).toBeLessThanOrEqual(1_000);
  },
);

test('without the time of the service, this clock is taken for right', () => {
  const text = spot('terminate', '2026-11-05T08:22:00Z');
  expect(parseSpotInterruption({ text, sentAtMs: undefined }, now + 3_600_000)).toMatchObject({
    atMs: Date.parse('2026-11-05T08:22:00Z'),
  });
});

test('a recommendation says when it was made', () => {
  const notice = parseRebalance(item('{"noticeTime": "2026-11-05T08:19:58Z"}'), now);
  expect(notice).toEqual({ kind: 'rebalance', atMs: Date.parse('2026-11-05T08:19:58Z') });
  expect(parseRebalance(item('{"noticeTime": "now"}'), now)).toEqual({ kind: 'rebalance', atMs: now });
});

test('whatever the service says, there is a whole notice or none', () => {
  const texts = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .record({ action: fc.anything(), time: fc.anything(), noticeTime: fc.anything() })
      .map((value) => `${JSON.stringify(value)}`),
  );
  const instants = fc.option(fc.integer({ min: 0, max: 4e12 }), { nil: undefined });
  fc.assert(
    fc.property(texts, instants, (text, sentAtMs) => {
      for (const notice of [parseSpotInterruption({ text, sentAtMs }, now), parseRebalance({ text, sentAtMs }, now)]) {
        if (notice && 'atMs' in notice) expect(Number.isFinite(notice.atMs)).toBe(true);
      }
    }),
  );
});
