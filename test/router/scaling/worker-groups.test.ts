import { collectWorkerGroups, WorkerGroups } from '../../../runtime/router/scaling/worker-groups.ts';

test('groups are given one by one or in a list, each with its model', () => {
  const groups = collectWorkerGroups('c=org/model-c', collectWorkerGroups('a=m:a,b=m-b'));
  expect(groups).toEqual([
    { groupName: 'a', model: 'm:a' },
    { groupName: 'b', model: 'm-b' },
    { groupName: 'c', model: 'org/model-c' },
  ]);
  expect(collectWorkerGroups('fleet-workers')).toEqual([{ groupName: 'fleet-workers', model: undefined }]);
});

test.each([
  ['', 'name of a group'],
  ['a=', 'name of a group'],
  ['=m', 'name of a group'],
  ['a=m=n', 'name of a group'],
  ['a=m,', 'name of a group'],
  ['a=m,a=n', 'given twice'],
  ['a,b=m', 'each needs its model'],
])('%j is refused', (text, advice) => expect(() => collectWorkerGroups(text)).toThrow(advice));

test('a request belongs to the group of its model, any other to the first', () => {
  const groups = new WorkerGroups(collectWorkerGroups('a=one,b=two,c=two'));
  expect(['one', 'two', 'three', undefined].map((model) => groups.indexOf(model))).toEqual([0, 1, 0, 0]);
  expect([groups.count, ...groups.models]).toEqual([3, 'one', 'two']);
});

test('with one group or none all requests are of one sort, and its workers say what is served', () => {
  for (const groups of [new WorkerGroups(), new WorkerGroups(collectWorkerGroups('a=one'))]) {
    expect([groups.count, groups.indexOf('anything'), groups.models.size]).toEqual([1, 0, 0]);
  }
});
