import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LoadFeed } from '../../runtime/runner/load-feed.ts';
import { sendReports } from '../../runtime/runner/routes/load.ts';
import { callJson } from '../../runtime/shared/call-json.ts';
import type { EngineLoad } from '../../runtime/shared/protocol.ts';
import { EventSplitter } from '../../runtime/shared/sse.ts';
import { eventually } from '../support/eventually.ts';
import { LoadListener } from '../support/load-listener.ts';
import { StartedRunner } from '../support/started-runner.ts';

const load = { runningRequests: 0, waitingRequests: 0, usedTokens: 7, maxTotalTokens: 1_000 };
const idle = { engineState: 'ready', activeCount: 0, warmingCount: 0 } as const;

test('a listener hears of the load as it changes, and of the end of the stream', async () => {
  await using runner = await StartedRunner.start();
  await runner.ready();
  await using listener = await LoadListener.open(await runner.url());
  expect(await listener.next()).toEqual(idle);
  expect(await listener.next()).toEqual({ ...idle, load });
  await runner.setInFlight(3);
  expect(await listener.next()).toEqual({ ...idle, load: { ...load, runningRequests: 3 } });
  await runner.setInFlight(0);

  runner.process.signal('SIGTERM');
  await listener.where(({ engineState }) => engineState === 'draining');
  while ((await listener.next()) !== undefined);
  expect(await runner.process.waitForExit()).toMatchObject({ code: 0 });
});

test('an unchanged report is repeated, and an engine that dies does not end the stream', async () => {
  await using runner = await StartedRunner.start({ args: ['--time-scale', '20'] });
  const { engine } = await runner.ready();
  await using listener = await LoadListener.open(await runner.url());
  for (let i = 0; i < 3; i++) await listener.where((report) => report.load !== undefined);
  process.kill(engine.pid!, 'SIGKILL');
  const down = await listener.where(({ engineState }) => engineState !== 'ready');
  expect(down.engineState).toBe('down');
  await listener.where((report) => report.engineState === 'ready' && report.load !== undefined);
});

test('however many listen, the engine is asked by one, and by none when they have left', async () => {
  await using runner = await StartedRunner.start();
  const { engineUrl } = await runner.ready();
  const asked = async () => (await callJson(`${engineUrl}/test/loads-asked`)) as number;
  const listeners = await Promise.all([1, 2, 3].map(async () => LoadListener.open(await runner.url())));
  const [before, startedAt] = [await asked(), performance.now()];
  // Two repetitions: four seconds.
  for (let i = 0; i < 3; i++) for (const listener of listeners) await listener.where((report) => 'load' in report);
  const most = Math.ceil((performance.now() - startedAt) / 250) + 1;
  const looks = (await asked()) - before;
  expect(looks).toBeGreaterThan(1);
  expect(looks).toBeLessThanOrEqual(most);

  for (const listener of listeners) await listener[Symbol.asyncDispose]();
  // The runner forgets the load when it stops asking, so that the next listener is told of none at first.
  await eventually(async () => {
    await using next = await LoadListener.open(await runner.url());
    expect(await next.next()).toEqual(idle);
  });
});

test('it needs the secret of the fleet when there is one', async () => {
  await using runner = await StartedRunner.start({ env: { FLEET_INTERNAL_SECRET: 'open-sesame' } });
  const url = await runner.url();
  await expect(LoadListener.open(url)).rejects.toThrow('401');
  await expect(LoadListener.open(url, 'open-barley')).rejects.toThrow('401');
  await using listener = await LoadListener.open(url, 'open-sesame');
  expect(await listener.next()).toMatchObject({ activeCount: 0 });
});

describe('the feed', () => {
  /** Answers of an engine that a test gives when it likes. */
  const heldEngine = () => {
    const questions: ((load: EngineLoad | undefined) => void)[] = [];
    const signals: AbortSignal[] = [];
    const readLoad = (signal: AbortSignal) => {
      signals.push(signal);
      return new Promise<EngineLoad | undefined>((resolve) => questions.push(resolve));
    };
    return { questions, signals, readLoad };
  };

  test('a change of the engine is told while the engine still owes an answer', () => {
    const facts = { ...idle, engineState: 'ready' as 'ready' | 'down' };
    const feed = new LoadFeed({ readLoad: heldEngine().readLoad, facts: () => facts, timeScale: 1 });
    const reports: string[] = [];
    feed.subscribe({ report: (report) => void reports.push(JSON.parse(report).engineState), end() {} });
    facts.engineState = 'down';
    feed.notify();
    expect(reports).toEqual(['ready', 'down']);
    feed.close();
  });

  test('the last to leave ends the question under way; a closed feed takes nobody', () => {
    const engine = heldEngine();
    const feed = new LoadFeed({ readLoad: engine.readLoad, facts: () => idle, timeScale: 1 });
    const ended: string[] = [];
    const join = (name: string) => feed.subscribe({ report() {}, end: () => void ended.push(name) });
    const [leaveA, leaveB] = [join('a'), join('b')];
    leaveA();
    expect(engine.signals.map(({ aborted }) => aborted)).toEqual([false]);
    leaveB();
    expect(engine.signals.map(({ aborted }) => aborted)).toEqual([true]);
    join('c');
    feed.close();
    join('d');
    expect(ended).toEqual(['c', 'd']);
    expect(engine.signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  });

  test('when all have left the engine is not asked again until somebody comes', async () => {
    const engine = heldEngine();
    const feed = new LoadFeed({ readLoad: engine.readLoad, facts: () => idle, timeScale: 1_000 });
    const join = () => feed.subscribe({ report() {}, end() {} });
    const leave = join();
    engine.questions[0]!(load);
    await eventually(() => expect(engine.questions).toHaveLength(2));
    leave();
    // Its answer is the moment at which a feed that goes on would plan the next question, some 0.25 ms later.
    engine.questions[1]!(load);
    const other = heldEngine();
    const going = new LoadFeed({ readLoad: other.readLoad, facts: () => idle, timeScale: 1_000 });
    going.subscribe({ report() {}, end() {} });
    for (let i = 0; i < 3; i++) {
      other.questions[i]!(load);
      await eventually(() => expect(other.questions).toHaveLength(i + 2));
    }
    expect(engine.questions).toHaveLength(2);
    join();
    expect(engine.questions).toHaveLength(3);
    for (const each of [feed, going]) each.close();
  });

  test('a listener that does not read misses reports and then gets the latest, from a buffer of one', async () => {
    const facts = { ...idle, activeCount: 0 };
    const feed = new LoadFeed({ readLoad: async () => undefined, facts: () => facts, timeScale: 1 });
    let response: http.ServerResponse | undefined;
    const server = http.createServer((_request, each) => {
      response = each;
      sendReports(each, feed);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const request = http.get({ port: (server.address() as AddressInfo).port });
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    answer.pause();
    const padding = 'x'.repeat(10_000);
    Object.assign(facts, { padding });
    // More than the kernel keeps for a connection.
    const last = 10_000;
    while (facts.activeCount < last) {
      facts.activeCount++;
      feed.notify();
      if (facts.activeCount % 10 === 0) await new Promise(setImmediate);
      expect(response!.writableLength).toBeLessThan(3 * padding.length);
    }
    const seen: number[] = [];
    const splitter = new EventSplitter();
    for await (const bytes of answer as AsyncIterable<Buffer>) {
      for (const payload of splitter.push(bytes)) seen.push(JSON.parse(payload).activeCount);
      if (seen.at(-1) === last) break;
    }
    expect(seen.length).toBeLessThan(last / 2);
    feed.close();
    server.closeAllConnections();
    server.close();
  });
});
