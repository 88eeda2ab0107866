import { nameOf, planChaos } from './chaos-plan.ts';

const shape = { seed: 7, durationMs: 60_000, routers: 2, runners: 4 };

test('every daemon and the database are hit once in each round, and are back before the end of it', () => {
  const plan = planChaos(shape);
  for (const round of [0, 1, 2]) {
    const blows = plan.filter(({ atMs }) => Math.floor(atMs / 20_000) === round);
    expect(blows.map(({ target }) => nameOf(target)).sort()).toEqual([
      'database',
      ...['router 0', 'router 1', 'runner 0', 'runner 1', 'runner 2', 'runner 3'],
    ]);
    for (const { atMs, downMs } of blows) expect(atMs + downMs).toBeLessThan(20_000 * (round + 1));
  }
});

test('a seed always makes the same plan, another one another', () => {
  expect(planChaos(shape)).toEqual(planChaos(shape));
  expect(planChaos({ ...shape, seed: 8 })).not.toEqual(planChaos(shape));
});
