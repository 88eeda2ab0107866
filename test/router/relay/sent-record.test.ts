import { RecordBudget, SentRecord } from '../../../runtime/router/relay/sent-record.ts';

const part = (text: string) => Buffer.from(text.padEnd(72, ' '));

test('keeps what was sent, in order', () => {
  const record = new SentRecord(new RecordBudget(10_000), 10_000);
  for (const text of ['a', 'b', 'c']) record.push(part(text));
  expect(record.parts.map((bytes) => bytes.toString().trim())).toEqual(['a', 'b', 'c']);
  expect(record.isComplete).toBe(true);
});

test('forgets the oldest past its bound, and says so', () => {
  const record = new SentRecord(new RecordBudget(10_000), 450);
  for (const text of ['a', 'b', 'c']) record.push(part(text));
  expect(record.parts.map((bytes) => bytes.toString().trim())).toEqual(['b', 'c']);
  expect(record.isComplete).toBe(false);
});

test('all streams share one budget; who finds it empty gives up what it has', () => {
  const budget = new RecordBudget(500);
  const [first, second] = [new SentRecord(budget, 10_000), new SentRecord(budget, 10_000)];
  first.push(part('a'));
  second.push(part('b'));
  second.push(part('c'));
  expect([second.parts.length, second.isComplete]).toEqual([0, false]);
  first.push(part('d'));
  expect(first.parts).toHaveLength(2);
  first.close();
  expect(budget.take(500)).toBe(true);
});
