import type { AdditionState } from '../../../runtime/router/managed/worker-api.ts';
import type { ListedWorker, WantedWorker } from '../../../runtime/router/managed/worker-changes.ts';
import { WorkerSync } from '../../../runtime/router/managed/worker-sync.ts';
import { createLogger } from '../../../runtime/shared/log.ts';
import { eventually } from '../../support/eventually.ts';

/** A worker API that takes, refuses and forgets as a test says. */
class ScriptedApi {
  workers: readonly ListedWorker[] = [];
  /** What became of an addition that is not listed. */
  state: AdditionState = { kind: 'under-way' };
  isDown = false;
  listsAdditions = true;
  readonly asked: string[] = [];

  async list(): Promise<ListedWorker[]> {
    if (this.isDown) throw new Error('connection refused');
    return [...this.workers];
  }

  async add({ url }: WantedWorker): Promise<string> {
    this.asked.push(`add ${url}`);
    if (this.listsAdditions) this.workers = [...this.workers, { id: `id of ${url}`, url, isHealthy: true }];
    return `id of ${url}`;
  }

  async additionState(): Promise<AdditionState> {
    return this.state;
  }

  async remove(id: string): Promise<void> {
    this.asked.push(`remove ${id}`);
    this.workers = this.workers.filter((worker) => worker.id !== id);
  }
}

function start(wanted: { urls: readonly string[] }) {
  const api = new ScriptedApi();
  const logged: string[] = [];
  const ended = new AbortController();
  const sync = new WorkerSync({
    api,
    wanted: () => wanted.urls.map((url) => ({ url, modelId: 'm' })),
    onListed: () => {},
    log: createLogger({ service: 'test', write: (line) => void logged.push(line) }),
    timeScale: 100,
    signal: ended.signal,
  });
  const run = sync.run();
  const stop = async () => {
    ended.abort();
    await run;
  };
  return { api, sync, logged, [Symbol.asyncDispose]: stop };
}

const urlsOf = (api: ScriptedApi) => api.workers.map(({ url }) => url);

test('every change is followed, and a list that was lost is filled again without one', async () => {
  const wanted = { urls: ['a', 'b'] };
  await using running = start(wanted);
  const { api, sync } = running;
  await eventually(() => expect(urlsOf(api)).toEqual(['a', 'b']));
  wanted.urls = ['b', 'c'];
  sync.wake();
  await eventually(() => expect(urlsOf(api)).toEqual(['b', 'c']));
  expect(api.asked).toEqual(['add a', 'add b', 'add c', 'remove id of a']);
  api.workers = [{ id: 'stranger', url: 'x', isHealthy: true }];
  await eventually(() => expect(urlsOf(api)).toEqual(['b', 'c']));
  expect(api.asked).toContain('remove stranger');
});

test('an addition under way is not asked for again; one that failed is, with a reason in the log', async () => {
  await using running = start({ urls: ['a'] });
  const { api, logged } = running;
  api.listsAdditions = false;
  await eventually(() => expect(api.asked).toEqual(['add a']));
  api.state = { kind: 'failed', detail: 'no route to host' };
  await eventually(() => expect(api.asked.length).toBeGreaterThan(2));
  expect(logged.join()).toContain('no route to host');
  api.listsAdditions = true;
  await eventually(() => expect(urlsOf(api)).toContain('a'));
});

test('an API that does not answer is tried until it does', async () => {
  const wanted = { urls: [] as string[] };
  await using running = start(wanted);
  const { api, logged } = running;
  api.isDown = true;
  wanted.urls = ['a'];
  await eventually(() => expect(logged.join()).toContain('could not be kept in step'));
  api.isDown = false;
  await eventually(() => expect(urlsOf(api)).toEqual(['a']));
});
