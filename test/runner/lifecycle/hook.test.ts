import { LifecycleHook } from '../../../runtime/runner/lifecycle/lifecycle-hook.ts';
import { Told } from '../../../runtime/runner/lifecycle/told.ts';
import { createLogger } from '../../../runtime/shared/log.ts';
import { until } from '../../support/poll.ts';

const log = createLogger({ service: 'test', level: 'silent' });
/** A second is a millisecond. */
const timeScale = 1_000;

/** What a group would answer, one call after the other; the last answer repeats. An Error is thrown. */
class ScriptedGroup {
  readonly calls: string[] = [];
  readonly #answers: (boolean | Error)[];

  constructor(...answers: (boolean | Error)[]) {
    this.#answers = answers;
  }

  async completeLifecycleAction(hook: string, result: string): Promise<boolean> {
    return this.#answer(`${hook} ${result}`);
  }

  async recordHeartbeat(hook: string): Promise<boolean> {
    return this.#answer(`${hook} heartbeat`);
  }

  #answer(call: string): boolean {
    this.calls.push(call);
    const answer = this.#answers.length > 1 ? this.#answers.shift()! : this.#answers[0]!;
    if (answer instanceof Error) throw answer;
    return answer;
  }
}

function hookOf(group: ScriptedGroup) {
  const completed: unknown[] = [];
  const hook = new LifecycleHook({
    ...{ name: 'end', group, timeoutMs: 90_000, timeScale, log },
    onCompleted: (...outcome) => completed.push(outcome),
  });
  return { hook, completed, [Symbol.dispose]: () => hook.close() };
}

const goOn = { do: 'complete', result: 'CONTINUE', occasion: 'end' } as const;
const keepOpen = { do: 'keep-open', occasion: 'end' } as const;

test('an action is completed again and again until AWS has answered, and then not any more', async () => {
  const group = new ScriptedGroup(new Error('away'), new Error('away'), true);
  using watched = hookOf(group);
  watched.hook.wish(goOn);
  await watched.hook.settled;
  expect(group.calls).toEqual(['end CONTINUE', 'end CONTINUE', 'end CONTINUE']);
  expect(watched.completed).toEqual([['CONTINUE', true]]);
  watched.hook.wish({ ...goOn });
  expect(group.calls).toHaveLength(3);
});

test('an action that is not open is looked for again, since it may open a moment later', async () => {
  const group = new ScriptedGroup(false, false, true);
  using watched = hookOf(group);
  watched.hook.wish(goOn);
  await watched.hook.settled;
  // The first answer counts for whoever waits.
  expect(watched.completed).toEqual([['CONTINUE', false]]);
  await until('it was completed after all', () => group.calls.length === 3);
  expect(watched.completed).toHaveLength(1);
});

test('heartbeats go on over failures until the wish changes', async () => {
  const group = new ScriptedGroup(true, new Error('away'), new Error('away'), true);
  using watched = hookOf(group);
  watched.hook.wish(keepOpen);
  await until('several heartbeats came', () => group.calls.length >= 6);
  await watched.hook.settled;
  watched.hook.wish(goOn);
  await watched.hook.settled;
  const heartbeats = group.calls.filter((call) => call === 'end heartbeat').length;
  expect(group.calls.at(-1)).toBe('end CONTINUE');
  expect(group.calls).toHaveLength(heartbeats + 1);
});

test('the same wish for another occasion is a new one', async () => {
  const group = new ScriptedGroup(true);
  using watched = hookOf(group);
  watched.hook.wish({ ...goOn, occasion: 'warm-pool' });
  await watched.hook.settled;
  watched.hook.wish({ ...goOn, occasion: 'service' });
  await watched.hook.settled;
  expect(group.calls).toHaveLength(2);
});

test('of values that change while AWS is away only the last one is told', async () => {
  const tried: boolean[] = [];
  const told: boolean[] = [];
  let isAway = true;
  const protection = new Told(false, {
    ...{ what: 'protection', timeScale, log },
    tell: async (value) => {
      tried.push(value);
      if (isAway) throw new Error('away');
    },
    onTold: (value) => told.push(value),
  });
  protection.set(false);
  expect(tried).toEqual([]);
  protection.set(true);
  await until('it was tried', () => tried.length > 2);
  protection.set(false);
  await until('the other one was tried', () => tried.at(-1) === false);
  isAway = false;
  await until('it was told', () => told.length > 0);
  expect(told).toEqual([false]);
  protection.close();
});
