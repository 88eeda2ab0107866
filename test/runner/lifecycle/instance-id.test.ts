import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { findInstanceId, isEc2Hardware } from '../../../runtime/runner/lifecycle/instance-id.ts';
import { InstanceMetadata } from '../../../runtime/shared/imds.ts';
import { FakeInstanceMetadata } from '../../support/cloud/instance-metadata.ts';
import { keptLog } from '../../support/log-lines.ts';
import { until } from '../../support/poll.ts';
import { unusedUrl } from '../../support/scripted-openai-server.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

test('the id is read, or taken as it is given', async () => {
  await using service = await FakeInstanceMetadata.start({ 'instance-id': 'i-0abc\n' });
  const metadata = new InstanceMetadata(service);
  const { log } = keptLog();
  expect(await findInstanceId({ metadata, given: undefined, silenceMs: 0, log })).toBe('i-0abc');
  expect(await findInstanceId({ metadata, given: 'i-given', silenceMs: 0, log })).toBe('i-given');
});

test('on EC2 a service that comes up late is waited for', async () => {
  await using service = await FakeInstanceMetadata.start({ 'instance-id': 'i-0abc' });
  service.isSwitchedOff = true;
  const { log, lines } = keptLog();
  const finding = findInstanceId({ metadata: new InstanceMetadata(service), given: undefined, silenceMs: 20_000, log });
  await until('the service was looked for', () => service.tokenRequests > 0);
  service.isSwitchedOff = false;
  expect(await finding).toBe('i-0abc');
  expect(lines).toEqual([]);
});

test('on EC2 a service that stays silent is in the log, with what to do', async () => {
  const { log, of } = keptLog();
  const metadata = new InstanceMetadata({ endpoint: await unusedUrl() });
  expect(await findInstanceId({ metadata, given: 'i-given', silenceMs: 1, log })).toBeUndefined();
  expect(of('instance metadata silent on EC2: the life cycle of the instance is not followed')).toEqual([
    expect.objectContaining({ level: 'error', hint: expect.stringContaining('hop-limit') }),
  ]);
});

test('a service that is there and fails leaves the id that is given', async () => {
  await using service = await FakeInstanceMetadata.start();
  service.faults.set('', 'error-500');
  const { log, of } = keptLog();
  const metadata = new InstanceMetadata(service);
  expect(await findInstanceId({ metadata, given: 'i-given', silenceMs: 0, log })).toBe('i-given');
  expect(await findInstanceId({ metadata, given: undefined, silenceMs: 0, log })).toBeUndefined();
  expect(of('instance metadata unreadable')).toHaveLength(2);
});

test('the hardware tells EC2 from other machines', async () => {
  await using folder = await temporaryDirectory();
  const vendor = path.join(folder.path, 'sys_vendor');
  const files = [[vendor, /^Amazon EC2/] as const];
  expect(await isEc2Hardware(files)).toBe(false);
  await writeFile(vendor, 'QEMU\n');
  expect(await isEc2Hardware(files)).toBe(false);
  await writeFile(vendor, 'Amazon EC2\n');
  expect(await isEc2Hardware(files)).toBe(true);
});
