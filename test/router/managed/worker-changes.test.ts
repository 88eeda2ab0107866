import fc from 'fast-check';
import {
  type Addition,
  engineUrlOf,
  type ListedWorker,
  type WantedWorker,
  workerChanges,
} from '../../../runtime/router/managed/worker-changes.ts';

const listed = (url: string): ListedWorker => ({ id: url, url, isHealthy: true });
const want = (url: string, modelId = 'm'): WantedWorker => ({ url, modelId });
const asked = (fields: Partial<Addition> = {}): Addition => ({
  modelId: 'm',
  attempts: 1,
  retryAtMs: undefined,
  phase: 'asked',
  ...fields,
});
const changes = (wanted: WantedWorker[], list: ListedWorker[], additions: [string, Addition][] = [], nowMs = 0) =>
  workerChanges(wanted, list, new Map(additions), nowMs);
const nothing = { add: [], lookAt: [], remove: [] };

test('what is missing is added, what is not wanted is removed, the rest is left alone', () => {
  expect(changes([want('a'), want('b')], [listed('b'), listed('c')])).toEqual({
    add: [want('a')],
    lookAt: [],
    remove: ['c'],
  });
  expect(changes([want('a')], [listed('a')])).toEqual(nothing);
});

test('an addition that is under way is looked at, not asked for again', () => {
  expect(changes([want('a')], [], [['a', asked()]])).toEqual({ ...nothing, lookAt: ['a'] });
});

test('one that failed is asked for again when its time has come', () => {
  const additions: [string, Addition][] = [['a', asked({ retryAtMs: 100 })]];
  expect(changes([want('a')], [], additions, 99)).toEqual(nothing);
  expect(changes([want('a')], [], additions, 100)).toEqual({ ...nothing, add: [want('a')] });
});

test('one that was listed and is not any more is added again', () => {
  expect(changes([want('a')], [], [['a', asked({ phase: 'listed' })]])).toEqual({ ...nothing, add: [want('a')] });
});

test('ranks of one engine are one worker', () => {
  expect(changes([want('a')], [listed('a@0'), listed('a@1')])).toEqual(nothing);
  expect(changes([], [listed('a@0'), listed('a@1')])).toEqual({ ...nothing, remove: ['a'] });
});

test('an engine that came back with another model is removed, then added with it', () => {
  const anew = want('a', 'other');
  expect(changes([anew], [listed('a')], [['a', asked({ phase: 'listed' })]])).toEqual({ ...nothing, remove: ['a'] });
  const leaving: [string, Addition][] = [['a', asked({ phase: 'leaving' })]];
  expect(changes([anew], [listed('a')], leaving)).toEqual(nothing);
  expect(changes([anew], [], leaving)).toEqual({ ...nothing, add: [anew] });
});

test('one that is wanted again while it leaves is added once it is gone', () => {
  const leaving: [string, Addition][] = [['a', asked({ phase: 'leaving' })]];
  expect(changes([want('a')], [listed('a')], leaving)).toEqual(nothing);
  expect(changes([want('a')], [], leaving)).toEqual({ ...nothing, add: [want('a')] });
});

test('from any list, doing what is returned leads to the wanted one and stays there', () => {
  const urls = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'));
  fc.assert(
    fc.property(urls, urls, fc.boolean(), (wantedUrls, listedUrls, hasRanks) => {
      const wanted = wantedUrls.map((url) => want(url));
      let list = listedUrls.flatMap((url) => (hasRanks ? [listed(`${url}@0`), listed(`${url}@1`)] : [listed(url)]));
      const additions = new Map<string, Addition>();
      const { add, remove } = workerChanges(wanted, list, additions, 0);
      for (const { url } of add) additions.set(url, asked());
      list = [
        ...list.filter(({ url }) => !remove.includes(engineUrlOf(url))),
        ...add.map(({ url }) => listed(hasRanks ? `${url}@0` : url)),
      ];
      expect(new Set(list.map(({ url }) => engineUrlOf(url)))).toEqual(new Set(wantedUrls));
      expect(workerChanges(wanted, list, additions, 0)).toEqual(nothing);
    }),
  );
});
