import { Admission, type AdmissionLimits, type AdmissionRequest } from '../../../runtime/router/admission/admission.ts';
import { rateLimitHeaders } from '../../../runtime/router/admission/rate-limit-headers.ts';
import { Slot, type Waiting } from '../../../runtime/router/admission/slot.ts';
import { ManualClock } from '../../support/manual-clock.ts';

interface Machine {
  readonly name: string;
}
const a: Machine = { name: 'a' };
const b: Machine = { name: 'b' };
const firstWithRoom =
  (...machines: Machine[]) =>
  (hasRoom: (machine: Machine) => boolean) =>
    machines.find(hasRoom);

const uncapped: AdmissionLimits = {
  maxConcurrent: Number.POSITIVE_INFINITY,
  maxConcurrentPerWorker: Number.POSITIVE_INFINITY,
  queueRequests: 10,
  queueBytes: 1_000,
  queueTimeoutMs: 60_000,
};

let clock: ManualClock;
beforeEach(() => {
  clock = new ManualClock();
});

const withLimits = (limits: Partial<AdmissionLimits> = {}) => new Admission<Machine>({ ...uncapped, ...limits }, clock);
const request = (over: Partial<AdmissionRequest<Machine>> = {}) => ({ bytes: 100, uncachedTokens: 10, ...over });

function slotOf(entered: Slot<Machine> | Waiting<Machine>): Slot<Machine> {
  if (!(entered instanceof Slot)) throw new Error('had to wait');
  return entered;
}
function waitingOf(entered: Slot<Machine> | Waiting<Machine>): Waiting<Machine> {
  if (entered instanceof Slot) throw new Error('did not have to wait');
  return entered;
}

test('without a cap every request runs at once', () => {
  const admission = withLimits({ queueRequests: 0 });
  const slots = Array.from({ length: 1_000 }, () => slotOf(admission.enter(request())));
  expect(admission.running).toBe(1_000);
  for (const slot of slots) slot.leave();
  expect(admission.running).toBe(0);
});

test('a freed slot passes to the first waiter; a newcomer does not overtake', async () => {
  const admission = withLimits({ maxConcurrent: 1 });
  const running = slotOf(admission.enter(request()));
  const first = waitingOf(admission.enter(request()));
  const second = waitingOf(admission.enter(request()));
  clock.advance(1_500);
  running.leave();
  const newcomer = waitingOf(admission.enter(request()));
  expect([admission.running, admission.waiting]).toEqual([1, 2]);
  const firstSlot = await first.granted;
  expect(firstSlot.waitedMs).toBe(1_500);
  firstSlot.leave();
  (await second.granted).leave();
  (await newcomer.granted).leave();
  expect([admission.running, admission.waiting, admission.waitingBytes, clock.pending]).toEqual([0, 0, 0, 0]);
});

test('leaving twice frees one slot', () => {
  const admission = withLimits({ maxConcurrent: 2 });
  const slot = slotOf(admission.enter(request()));
  slotOf(admission.enter(request()));
  slot.leave();
  slot.leave();
  expect(admission.running).toBe(1);
});

test('a queue that is full in requests or in bytes refuses with 429 and the wait of those before', async () => {
  const admission = withLimits({ maxConcurrent: 1, queueRequests: 2 });
  const running = slotOf(admission.enter(request()));
  const first = waitingOf(admission.enter(request()));
  clock.advance(7_200);
  running.leave();
  await first.granted;
  waitingOf(admission.enter(request({ bytes: 800 })));
  const refusal = { code: 'QUEUE_FULL', status: 429, retryAfterSeconds: 8 };
  expect(() => admission.enter(request({ bytes: 201 }))).toThrow(expect.objectContaining(refusal));
  waitingOf(admission.enter(request({ bytes: 200 })));
  expect(() => admission.enter(request({ bytes: 0 }))).toThrow(expect.objectContaining(refusal));
});

test('who waited too long gets 503, in order, and the queue lives on', async () => {
  const admission = withLimits({ maxConcurrent: 1, queueTimeoutMs: 10_000 });
  const running = slotOf(admission.enter(request()));
  const early = waitingOf(admission.enter(request()));
  clock.advance(6_000);
  const late = waitingOf(admission.enter(request()));
  clock.advance(4_000);
  await expect(early.granted).rejects.toMatchObject({ code: 'QUEUE_TIMEOUT', status: 503, retryAfterSeconds: 5 });
  expect(admission.waiting).toBe(1);
  running.leave();
  await expect(late.granted).resolves.toBeInstanceOf(Slot);
  expect(clock.pending).toBe(0);
});

test('a client that leaves the queue makes room and never gets a slot', async () => {
  const admission = withLimits({ maxConcurrent: 1, queueRequests: 1 });
  const running = slotOf(admission.enter(request()));
  const gone = waitingOf(admission.enter(request()));
  gone.cancel();
  await expect(gone.granted).rejects.toMatchObject({ name: 'AbortError' });
  const next = waitingOf(admission.enter(request()));
  running.leave();
  const slot = await next.granted;
  next.cancel();
  expect(admission.running).toBe(1);
  slot.leave();
  expect(admission.running).toBe(0);
});

test('a full worker is not chosen, and what it frees goes to the first who can use it', async () => {
  const admission = withLimits({ maxConcurrentPerWorker: 1 });
  const onA = slotOf(admission.enter(request({ place: firstWithRoom(a, b) })));
  const onB = slotOf(admission.enter(request({ place: firstWithRoom(a, b) })));
  expect([onA.worker, onB.worker]).toEqual([a, b]);
  const wantsA = waitingOf(admission.enter(request({ group: 'model-a', place: firstWithRoom(a) })));
  const wantsB = waitingOf(admission.enter(request({ group: 'model-b', place: firstWithRoom(b) })));
  onB.leave();
  expect((await wantsB.granted).worker).toBe(b);
  expect(admission.waiting).toBe(1);
  onA.leave();
  expect((await wantsA.granted).worker).toBe(a);
  expect([admission.runningOn(a), admission.runningOn(b)]).toEqual([1, 1]);
});

test('requests that wait for full workers do not hold up those for other workers', () => {
  const admission = withLimits({ maxConcurrentPerWorker: 1 });
  slotOf(admission.enter(request({ group: 'a', place: firstWithRoom(a) })));
  waitingOf(admission.enter(request({ group: 'a', place: firstWithRoom(a) })));
  expect(slotOf(admission.enter(request({ group: 'b', place: firstWithRoom(b) }))).worker).toBe(b);
});

test('requests wait for a worker to become ready, in order, also with one that comes just then', async () => {
  const admission = withLimits();
  const ready: Machine[] = [];
  const place = (hasRoom: (machine: Machine) => boolean) => ready.find(hasRoom);
  const waiting = [1, 2].map(() => waitingOf(admission.enter(request({ place }))));
  ready.push(a);
  waiting.push(waitingOf(admission.enter(request({ place }))));
  admission.recheck();
  for (const { granted } of waiting) expect((await granted).worker).toBe(a);
});

test('a choice that fails fails its own request only', async () => {
  const admission = withLimits({ maxConcurrent: 1 });
  const failure = new Error('unknown model');
  const fail = () => {
    throw failure;
  };
  expect(() => admission.enter(request({ place: fail }))).toThrow(failure);
  const running = slotOf(admission.enter(request()));
  const bad = waitingOf(admission.enter(request({ place: fail })));
  const good = waitingOf(admission.enter(request()));
  running.leave();
  await expect(bad.granted).rejects.toBe(failure);
  (await good.granted).leave();
  expect(admission.running).toBe(0);
});

test('a retry moves to another worker ahead of requests that never ran, and hands on the one it leaves', async () => {
  const admission = withLimits({ maxConcurrentPerWorker: 1, maxConcurrent: 3 });
  const onA = slotOf(admission.enter(request({ place: firstWithRoom(a) })));
  const onB = slotOf(admission.enter(request({ place: firstWithRoom(b) })));
  const queued = waitingOf(admission.enter(request({ place: firstWithRoom(b, a) })));
  const moving = waitingOf(onA.move(firstWithRoom(b)));
  expect((await queued.granted).worker).toBe(a);
  const queuedBehind = waitingOf(admission.enter(request({ place: firstWithRoom(b) })));
  onB.leave();
  expect(await moving.granted).toBe(onA);
  expect(onA.worker).toBe(b);
  onA.leave();
  expect((await queuedBehind.granted).worker).toBe(b);
});

test('a retry that finds no worker in time keeps its slot until its holder leaves', async () => {
  const admission = withLimits({ maxConcurrentPerWorker: 1, queueTimeoutMs: 1_000 });
  const onA = slotOf(admission.enter(request({ place: firstWithRoom(a) })));
  slotOf(admission.enter(request({ place: firstWithRoom(b) })));
  const moving = waitingOf(onA.move(firstWithRoom(b)));
  clock.advance(1_000);
  await expect(moving.granted).rejects.toMatchObject({ code: 'QUEUE_TIMEOUT' });
  expect([admission.running, admission.runningOn(a)]).toEqual([2, 0]);
  onA.leave();
  expect(admission.running).toBe(1);
});

test('a retry whose slot was left while it waited takes no worker', async () => {
  const admission = withLimits({ maxConcurrentPerWorker: 1 });
  const onA = slotOf(admission.enter(request({ place: firstWithRoom(a) })));
  const onB = slotOf(admission.enter(request({ place: firstWithRoom(b) })));
  const moving = waitingOf(onA.move(firstWithRoom(b)));
  onA.leave();
  onB.leave();
  await expect(moving.granted).rejects.toMatchObject({ name: 'AbortError' });
  expect([admission.running, admission.waiting, admission.runningOn(b)]).toEqual([0, 0, 0]);
});

test('closing refuses who waits and leaves alone what runs', async () => {
  const admission = withLimits({ maxConcurrent: 1 });
  const running = slotOf(admission.enter(request()));
  const waiting = waitingOf(admission.enter(request()));
  admission.close();
  await expect(waiting.granted).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  expect([admission.running, clock.pending]).toEqual([1, 0]);
  running.leave();
});

test('a key has its own limits, and the refusal names the one in the way and when to come back', async () => {
  const admission = withLimits();
  const key = {
    keyId: 'team-a',
    limits: { concurrentRequests: 2, requestsPerMinute: 6, uncachedTokensPerMinute: 1_000 },
  };
  const slots = [1, 2].map(() => slotOf(admission.enter(request({ key }))));
  const refused = (over: object) =>
    expect(() => admission.enter(request({ key, ...over }))).toThrow(
      expect.objectContaining({ code: 'RATE_LIMITED', status: 429 }),
    );
  refused({});
  expect(() => admission.enter(request({ key }))).toThrow('"team-a" is over its limit of 2 concurrent requests');
  for (const slot of slots) slot.leave();
  const big = slotOf(admission.enter(request({ key, uncachedTokens: 975 })));
  expect(() => admission.enter(request({ key }))).toThrow('1000 uncached tokens per minute. Try again in 1 s.');
  big.leave(100);
  for (let i = 0; i < 3; i++) slotOf(admission.enter(request({ key }))).leave();
  expect(() => admission.enter(request({ key }))).toThrow('6 requests per minute. Try again in 10 s.');
  slotOf(admission.enter(request({ key: { ...key, keyId: 'team-b' } })));
  clock.advance(10_000);
  slotOf(admission.enter(request({ key })));
});

test('a request that never ran costs its key nothing', async () => {
  const admission = withLimits({ maxConcurrent: 1, queueRequests: 1 });
  const key = { keyId: 'k', limits: { concurrentRequests: 5, requestsPerMinute: 5, uncachedTokensPerMinute: 100 } };
  slotOf(admission.enter(request()));
  const left = waitingOf(admission.enter(request({ key })));
  expect(() => admission.enter(request({ key }))).toThrow(expect.objectContaining({ code: 'QUEUE_FULL' }));
  left.cancel();
  await expect(left.granted).rejects.toThrow();
  const late = waitingOf(admission.enter(request({ key })));
  clock.advance(60_000);
  await expect(late.granted).rejects.toThrow();
  const meter = admission.meterOf('k')!;
  expect([meter.open, meter.requests!.level(clock.now()), meter.tokens!.level(clock.now())]).toEqual([0, 5, 100]);
});

test('limits that change hold from the next request on', () => {
  const admission = withLimits();
  const slot = slotOf(admission.enter(request({ key: { keyId: 'k', limits: { requestsPerMinute: 1 } } })));
  expect(() => admission.enter(request({ key: { keyId: 'k', limits: { requestsPerMinute: 1 } } }))).toThrow();
  slotOf(admission.enter(request({ key: { keyId: 'k', limits: { requestsPerMinute: 2 } } })));
  slotOf(admission.enter(request({ key: { keyId: 'k', limits: {} } })));
  slot.leave();
});

test('answers can carry what a key has left, as OpenAI writes it', () => {
  const admission = withLimits();
  const limits = { concurrentRequests: 4, requestsPerMinute: 60, uncachedTokensPerMinute: 1_200 };
  slotOf(admission.enter(request({ key: { keyId: 'k', limits }, uncachedTokens: 200 })));
  const headers = rateLimitHeaders(admission.meterOf('k'), clock.now());
  const pairs = Object.fromEntries(headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1]]] : [])));
  expect(pairs).toEqual({
    'x-ratelimit-limit-requests': '60',
    'x-ratelimit-remaining-requests': '59',
    'x-ratelimit-reset-requests': '1s',
    'x-ratelimit-limit-tokens': '1200',
    'x-ratelimit-remaining-tokens': '1000',
    'x-ratelimit-reset-tokens': '10s',
    'x-ratelimit-limit-concurrent-requests': '4',
    'x-ratelimit-remaining-concurrent-requests': '3',
  });
  expect(rateLimitHeaders(undefined, 0)).toEqual([]);
});
