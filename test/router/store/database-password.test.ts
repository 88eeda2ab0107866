import { DatabasePassword } from '../../../runtime/router/store/database-password.ts';

/** A secret that can be changed, and a clock. */
function changing(text: string) {
  const state = { text, nowMs: 0, reads: 0 };
  const load = async () => {
    state.reads++;
    if (state.text === '') throw new Error('AccessDenied');
    return state.text;
  };
  return { state, password: new DatabasePassword('db', load, () => state.nowMs) };
}

test.each([
  ['what RDS makes', '{"username":"fleet","password":"p\\"1"}', 'p"1'],
  ['a password alone', 'p1\n', 'p1'],
])('the password is read from %s', async (_what, text, expected) => {
  expect(await changing(text).password.read()).toBe(expected);
});

test('it is read once, and again only after a refusal', async () => {
  const { state, password } = changing('old');
  await password.read();
  state.text = 'new';
  state.nowMs = 100_000;
  expect([await password.read(), state.reads]).toEqual(['old', 1]);
  password.forget();
  expect([await password.read(), state.reads]).toEqual(['new', 2]);
});

test('a password that is wrong for good is asked for every five seconds and no more often', async () => {
  const { state, password } = changing('wrong');
  for (const nowMs of [0, 500, 4_999, 5_000, 5_500, 10_000]) {
    state.nowMs = nowMs;
    await password.read();
    password.forget();
  }
  expect(state.reads).toBe(3);
});

test('a secret that cannot be read is a database that is down, until it can be', async () => {
  const { state, password } = changing('');
  await expect(password.read()).rejects.toMatchObject({ code: '08001', cause: new Error('AccessDenied') });
  state.text = 'p1';
  state.nowMs = 5_000;
  expect(await password.read()).toBe('p1');
});

test.each([['{"password":'], ['{"username":"fleet"}'], ['{"password":7}']])(
  'the mistake in %s is told without what stands there',
  async (text) => {
    const error = (await changing(text)
      .password.read()
      .catch((thrown: unknown) => thrown)) as Error;
    expect(String(error.cause)).toMatch(/not valid JSON|no field "password"/);
    expect(`${error.message}${error.cause}`).not.toContain(text);
  },
);
