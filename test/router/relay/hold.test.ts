import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { Registry } from '../../../runtime/router/coordinator/registry.ts';
import { Hold } from '../../../runtime/router/relay/hold.ts';
import { plainAccess } from '../../../runtime/router/upstream/engine-client.ts';
import { createLogger } from '../../../runtime/shared/log.ts';

const client = () => new EventEmitter() as ServerResponse;

let registry: Registry;
let hold: Hold;
beforeEach(() => {
  registry = new Registry(createLogger({ service: 'test', level: 'silent' }), 1024, plainAccess);
  hold = new Hold(registry, { maxRequests: 2, maxBytes: 100 });
});
afterEach(() => registry.close());

test('a worker that becomes ready lets everybody go', async () => {
  const waits = [hold.wait(client(), 1, 60_000), hold.wait(client(), 1, 60_000)];
  expect(hold.size).toBe(2);
  registry.setState(registry.addStatic('http://127.0.0.1:1'), 'ready', 'test');
  expect(await Promise.all(waits)).toEqual(['ready', 'ready']);
  expect(hold.size).toBe(0);
});

test('neither more requests nor more bytes than the limits are held, and room is given back', async () => {
  const leaving = client();
  const first = hold.wait(leaving, 60, 60_000);
  await expect(hold.wait(client(), 50, 60_000)).rejects.toMatchObject({ code: 'HOLD_FULL', retryAfterSeconds: 5 });
  const second = hold.wait(client(), 40, 60_000);
  await expect(hold.wait(client(), 0, 60_000)).rejects.toMatchObject({ code: 'HOLD_FULL' });
  leaving.emit('close');
  expect(await first).toBe('gone');
  const third = hold.wait(client(), 60, 60_000);
  hold.close();
  expect(await Promise.all([second, third])).toEqual(['late', 'late']);
});

test('time that is over is over', async () => {
  expect(await hold.wait(client(), 1, 0)).toBe('late');
  expect(await hold.wait(client(), 1, 1)).toBe('late');
});

test('what was held is counted, and the most at one time is asked for once', async () => {
  const leaving = client();
  const waits = [hold.wait(leaving, 1, 60_000), hold.wait(client(), 1, 60_000)];
  leaving.emit('close');
  await waits[0];
  await hold.wait(client(), 1, 0);
  const all = hold.of(0);
  expect([all.size, all.entered, all.takePeak(), all.takePeak()]).toEqual([1, 2, 2, 1]);
  hold.close();
  await waits[1];
  expect([all.takePeak(), all.takePeak()]).toEqual([1, 0]);
});

test('who finds no room is told when to come back', async () => {
  const full = new Hold(registry, { maxRequests: 0, maxBytes: 100 }, 1, () => 42);
  await expect(full.wait(client(), 1, 60_000)).rejects.toMatchObject({
    code: 'HOLD_FULL',
    retryAfterSeconds: 42,
    message: expect.stringContaining('42 s'),
  });
});
