import type { MachineNotice } from '../../../runtime/runner/lifecycle/machine.ts';
import { NoticePoll } from '../../../runtime/runner/lifecycle/notice-poll.ts';
import { type Clock, realClock } from '../../../runtime/shared/clock.ts';
import { InstanceMetadata } from '../../../runtime/shared/imds.ts';
import { FakeInstanceMetadata, type MetadataFault } from '../../support/cloud/instance-metadata.ts';
import { eventually } from '../../support/eventually.ts';
import { keptLog } from '../../support/log-lines.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/poll.ts';

const targetPath = 'autoscaling/target-lifecycle-state';
const spotPath = 'spot/instance-action';
const rebalancePath = 'events/recommendations/rebalance';

/** A poll of a service of its own; a hundred times as often as on a real machine. */
async function startPoll(options: { clock?: Clock; onNotice?: (notice: MachineNotice) => void } = {}) {
  const service = await FakeInstanceMetadata.start({ [targetPath]: 'InService' });
  const notices: MachineNotice[] = [];
  const logged = keptLog();
  const metadata = new InstanceMetadata({ endpoint: service.endpoint, timeoutMs: 100, attempts: 2 });
  // A first answer that takes longer, as it may on a busy machine, would mean that there is no service.
  await until('the service was found', async () => {
    metadata.recheck();
    return (await metadata.read(targetPath).catch(() => undefined)) !== undefined;
  });
  const poll = new NoticePoll({
    metadata,
    clock: options.clock ?? realClock(100),
    log: logged.log,
    tell: (notice) => {
      notices.push(notice);
      options.onNotice?.(notice);
    },
  });
  return {
    ...{ service, poll, notices, logged },
    kinds: () => notices.map((notice) => (notice.kind === 'target-state' ? notice.state : notice.kind)),
    /** So many polls have begun and ended since the call. */
    async polls(count: number) {
      const before = service.callsOf(spotPath).length;
      await until('the service was polled', () => service.callsOf(spotPath).length > before + count);
    },
    async [Symbol.asyncDispose]() {
      poll.close();
      await service[Symbol.asyncDispose]();
    },
  };
}

const interruption = (time = '2026-11-05T08:22:00Z') => JSON.stringify({ action: 'terminate', time });

test('each notice is told once, however often it is read', async () => {
  await using polled = await startPoll();
  polled.poll.start();
  await until('the state was told', () => polled.notices.length === 1);
  polled.service.items.set(rebalancePath, '{"noticeTime":"2026-11-05T08:20:00Z"}');
  await until('the recommendation was told', () => polled.notices.length === 2);
  polled.service.items.set(spotPath, interruption());
  await until('the interruption was told', () => polled.notices.length === 3);
  polled.service.items.set(targetPath, 'Terminated');
  await until('the new state was told', () => polled.notices.length === 4);
  await polled.polls(5);
  expect(polled.kinds()).toEqual(['InService', 'rebalance', 'spot-interruption', 'Terminated']);
});

test('what comes together is told with the shortest deadline first', async () => {
  await using polled = await startPoll();
  polled.service.items.set(targetPath, 'Terminated');
  polled.service.items.set(rebalancePath, '{"noticeTime":"2026-11-05T08:20:00Z"}');
  polled.service.items.set(spotPath, interruption());
  polled.poll.start();
  await until('all was told', () => polled.notices.length === 3);
  expect(polled.kinds()).toEqual(['spot-interruption', 'Terminated', 'rebalance']);
});

test('a notice that is withdrawn and comes back is told once, one with another time again', async () => {
  await using polled = await startPoll();
  polled.service.items.set(spotPath, interruption());
  polled.poll.start();
  await until('the interruption was told', () => polled.notices.length === 2);
  polled.service.items.delete(spotPath);
  await polled.polls(2);
  polled.service.items.set(spotPath, '{"action":');
  await polled.polls(2);
  polled.service.items.set(spotPath, interruption());
  await polled.polls(2);
  expect(polled.kinds()).toEqual(['spot-interruption', 'InService']);
  polled.service.items.set(spotPath, interruption('2026-11-05T09:00:00Z'));
  await until('the new interruption was told', () => polled.notices.length === 3);
});

test('what is no notice is logged once and told to nobody', async () => {
  await using polled = await startPoll();
  polled.service.items.set(spotPath, 'x'.repeat(1_000));
  polled.poll.start();
  await polled.polls(5);
  expect(polled.kinds()).toEqual(['InService']);
  expect(polled.logged.of('instance metadata not understood')).toEqual([
    expect.objectContaining({ path: spotPath, text: 'x'.repeat(200) }),
  ]);
});

const faults: MetadataFault[] = ['silent', 'reset', 'half', 'error-500', 'throttled', 'garbage', 'flood'];

test.each(faults)('a service that gives %s is survived, and its next notice is told', async (fault) => {
  await using polled = await startPoll();
  polled.poll.start();
  await until('the state was told', () => polled.notices.length === 1);
  polled.service.faults.set('', fault);
  await polled.polls(4);
  polled.service.items.set(spotPath, interruption());
  polled.service.faults.clear();
  await until('the interruption was told', () => polled.notices.length === 2);
  expect(polled.kinds()).toEqual(['InService', 'spot-interruption']);
});

test('one item that fails does not hold back the others', async () => {
  await using polled = await startPoll();
  polled.service.faults.set(targetPath, 'silent');
  polled.service.items.set(spotPath, interruption());
  polled.poll.start();
  await until('the interruption was told', () => polled.notices.length === 1);
});

test('a service that fails for long is in the log once, and once more when it is back', async () => {
  await using polled = await startPoll();
  polled.poll.start();
  await until('the state was told', () => polled.notices.length === 1);
  polled.service.faults.set('', 'error-500');
  await polled.polls(12);
  expect(polled.logged.of('instance metadata unreadable')).toHaveLength(1);
  polled.service.faults.clear();
  await eventually(() => expect(polled.logged.of('instance metadata readable again')).toHaveLength(1));
});

test('a listener that throws does not end the polls', async () => {
  await using polled = await startPoll({
    onNotice: () => {
      throw new Error('not today');
    },
  });
  polled.service.items.set(spotPath, interruption());
  polled.poll.start();
  await until('both were told', () => polled.notices.length === 2);
  await polled.polls(2);
  expect(polled.logged.of('instance notice not handled')).toHaveLength(2);
});

test('polls come about every two seconds, none after the end, and never two at a time', async () => {
  const clock = new ManualClock();
  await using polled = await startPoll({ clock });
  polled.poll.start();
  polled.poll.start();
  for (let polls = 1; polls <= 5; polls++) {
    await until('the next poll was due', () => clock.pending === 1);
    expect(polled.service.callsOf(spotPath)).toHaveLength(polls);
    clock.advance(1_599);
    expect(clock.pending).toBe(1);
    clock.advance(802);
    expect(clock.pending).toBe(0);
  }
  await until('the next poll was due', () => clock.pending === 1);
  polled.poll.close();
  expect(clock.pending).toBe(0);
});

test('an end in the middle of a poll is the end', async () => {
  const clock = new ManualClock();
  await using polled = await startPoll({ clock });
  polled.service.faults.set('', 'silent');
  polled.poll.start();
  await until('the poll had begun', () => polled.service.calls.length > 0);
  polled.poll.close();
  await new Promise(setImmediate);
  expect(clock.pending).toBe(0);
  expect(polled.notices).toEqual([]);
});
