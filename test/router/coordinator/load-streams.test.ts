import { LoadStreams, nextAttemptMs } from '../../../runtime/router/coordinator/load-streams.ts';
import { RunnerDirectory } from '../../../runtime/router/coordinator/runner-directory.ts';
import { createLogger } from '../../../runtime/shared/log.ts';
import type { LoadReport, RunnerRegistration } from '../../../runtime/shared/protocol.ts';
import { eventually } from '../../support/eventually.ts';
import { loadReport, ScriptedLoadSource } from '../../support/scripted-load-source.ts';

interface FollowingOptions {
  readonly timeScale?: number;
  readonly secret?: string | undefined;
  readonly openTimeoutMs?: number;
}

/** Load streams of a directory, and what they brought. */
class Following implements Disposable {
  readonly runners = new RunnerDirectory();
  readonly heard: { runnerId: string; report: LoadReport; isNewState: boolean }[] = [];
  readonly logged: { msg: string; level: string; [field: string]: unknown }[] = [];
  readonly #streams: LoadStreams;

  constructor({ timeScale = 1, secret, openTimeoutMs = 3_000 }: FollowingOptions = {}) {
    const write = (line: string) => void this.logged.push(JSON.parse(line));
    this.#streams = new LoadStreams({
      ...{ runners: this.runners, secret, timeScale, openTimeoutMs },
      log: createLogger({ service: 'test', level: 'debug', write }),
      onReport: (runnerId, report, isNewState) => void this.heard.push({ runnerId, report, isNewState }),
    });
  }

  register(registration: RunnerRegistration): void {
    this.runners.set({ registration, lastHeartbeatAtMs: 0, isStored: true });
  }

  /** Running requests of each report so far. */
  get loads(): (number | undefined)[] {
    return this.heard.map(({ report }) => report.load?.runningRequests);
  }

  lines(msg: string) {
    return this.logged.filter((line) => line.msg === msg);
  }

  [Symbol.dispose](): void {
    this.#streams.close();
  }
}

let source: ScriptedLoadSource;
beforeEach(async () => {
  source = await ScriptedLoadSource.start();
});
afterEach(() => source[Symbol.asyncDispose]());

const openStreams = (count: number) => eventually(() => expect(source.open).toHaveLength(count), 30_000);

test('a runner that names an engine is followed, one without is not', async () => {
  using following = new Following();
  following.register({ runnerId: 'plain', host: '127.0.0.1', port: source.port, maxSandboxes: 1 });
  following.register(source.registration());
  await openStreams(1);
  source.send(loadReport(3));
  await eventually(() => expect(following.heard).toHaveLength(1));
  expect(following.heard[0]).toEqual({ runnerId: 'r1', report: loadReport(3), isNewState: true });
  expect(source.requests).toHaveLength(1);
});

test("the engine's state is news once on a stream, and again on the next one", async () => {
  using following = new Following();
  following.register(source.registration());
  await openStreams(1);
  source.send(loadReport(1), loadReport(2), loadReport(3, 'draining'), loadReport(4, 'draining'));
  await eventually(() => expect(following.heard.map((each) => each.isNewState)).toEqual([true, false, true, false]));
  source.open[0]!.response.end();
  await eventually(() => expect(source.requests).toHaveLength(2));
  await openStreams(1);
  source.send(loadReport(4, 'draining'));
  await eventually(() => expect(following.heard.at(-1)!.isNewState).toBe(true));
});

test.each([undefined, 'open-sesame'])('the secret of the fleet, %s, goes with the request', async (secret) => {
  using following = new Following({ secret });
  following.register(source.registration());
  await openStreams(1);
  expect(source.requests[0]!.request.headers.authorization).toBe(secret && `Bearer ${secret}`);
});

test('after 1, 2, 4, 8, 16, 16 s, a quarter more or less, a stream that is lost is tried again', () => {
  const waits = [1, 2, 3, 4, 5, 6].map((failures) => nextAttemptMs(failures, undefined, 0.5));
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 16_000]);
  expect([nextAttemptMs(1, 503, 0), nextAttemptMs(1, 503, 1)]).toEqual([750, 1_250]);
  expect(nextAttemptMs(1, 404, 0.5)).toBe(300_000);
});

test('a runner that is back at its address is followed again, and its first report ends the back-off', async () => {
  using following = new Following();
  const { port } = source;
  following.register(source.registration());
  await openStreams(1);
  source.send(loadReport(1));
  await eventually(() => expect(following.loads).toEqual([1]));
  await source.die();
  await eventually(() => expect(following.lines('no load stream').length).toBeGreaterThan(1));
  await source.listen(port);
  await openStreams(1);
  source.send(loadReport(2));
  await eventually(() => expect(following.loads).toEqual([1, 2]));
  source.open[0]!.response.end();
  await eventually(() => expect(following.lines('no load stream').at(-1)).toMatchObject({ failures: 1 }));
  // One line of each outage is for everybody to see.
  expect(following.logged.filter(({ level }) => level === 'info')).toHaveLength(2);
});

test('a runner without the route is left alone until it registers again', async () => {
  using following = new Following();
  source.onStream = ({ response }) => response.writeHead(404, { 'content-type': 'application/json' }).end('{}');
  following.register(source.registration());
  await eventually(() => expect(following.lines('no load stream')).toHaveLength(1));
  expect(following.lines('no load stream')[0]!['waitMs']).toBeGreaterThan(2_000);
  following.register(source.registration());
  await eventually(() => expect(following.lines('no load stream')).toHaveLength(2));
  expect(source.requests).toHaveLength(2);
});

test('what is no report is skipped, with one line in the log', async () => {
  using following = new Following();
  following.register(source.registration());
  await openStreams(1);
  source.sendText('data: nonsense\n\ndata: {"engineState":"on fire"}\n\ndata: null\n\n');
  source.send({ ...loadReport(-1) }, loadReport(5));
  await eventually(() => expect(following.loads).toEqual([5]));
  expect(following.lines('load stream has events that are no reports')).toHaveLength(1);
  expect(source.requests).toHaveLength(1);
});

test.each([
  ['line', 'x'],
  ['event of empty lines', 'data:\n'],
])('an endless %s ends the connection', async (_what, piece) => {
  using following = new Following();
  following.register(source.registration());
  await openStreams(1);
  source.sendText(piece.repeat(10_000));
  await eventually(() =>
    expect(following.lines('no load stream')[0]).toMatchObject({ detail: expect.stringContaining('exceeds 4096') }),
  );
  // Not the number of open streams: the source may not have seen yet that the first one has ended.
  await eventually(() => expect(source.requests).toHaveLength(2));
});

test('a stream that has fallen silent is given up', async () => {
  using following = new Following({ timeScale: 100 });
  following.register(source.registration());
  await eventually(() => expect(source.requests.length).toBeGreaterThan(1));
  expect(following.lines('no load stream')[0]!['detail']).toBe('it has fallen silent');
});

test('an address that is none is an attempt that failed', async () => {
  using following = new Following();
  following.register({ ...source.registration(), host: 'no\nhost' });
  await eventually(() => expect(following.lines('no load stream').length).toBeGreaterThan(1));
});

test('at most 32 attempts are under way at a time; the others follow as those are answered', async () => {
  // No attempt is to be over before it is answered, however busy the machine.
  using following = new Following({ openTimeoutMs: 60_000 });
  const open = source.onStream;
  source.onStream = () => {};
  for (let i = 0; i < 100; i++) following.register(source.registration(`r${i}`));
  await openStreams(32);
  // Those who leave make room, in the line as well.
  for (const i of [0, 1, 50]) following.runners.delete(`r${i}`);
  await eventually(() => expect(source.requests).toHaveLength(34));
  await openStreams(32);
  source.onStream = open;
  for (const each of source.open) open(each);
  await openStreams(97);
  source.send(loadReport(1));
  await eventually(() => expect(new Set(following.heard.map(({ runnerId }) => runnerId)).size).toBe(97));
});

test('a runner that is removed, or moves, or has no engine any more, leaves nothing behind', async () => {
  await using other = await ScriptedLoadSource.start();
  using following = new Following();
  following.register(source.registration('gone'));
  following.register(source.registration('moves'));
  following.register(source.registration('plain'));
  await openStreams(3);
  following.runners.delete('gone');
  following.register({ ...other.registration('moves') });
  following.register({ ...source.registration('plain'), engineUrl: undefined });
  await openStreams(0);
  await eventually(() => expect(other.open).toHaveLength(1));
  expect([source.requests.length, other.requests.length]).toEqual([3, 1]);
  expect(following.lines('no load stream')).toEqual([]);

  following[Symbol.dispose]();
  await eventually(() => expect(other.open).toEqual([]));
  following.register(source.registration('late'));
  expect(['known', 'gone'].map((event) => following.runners.listenerCount(event as 'known'))).toEqual([0, 0]);
});
