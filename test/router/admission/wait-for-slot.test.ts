import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Admission } from '../../../runtime/router/admission/admission.ts';
import type { Slot } from '../../../runtime/router/admission/slot.ts';
import { waitForSlot } from '../../../runtime/router/admission/wait-for-slot.ts';
import { eventually } from '../../support/eventually.ts';
import { ManualClock } from '../../support/manual-clock.ts';

test('a client that hangs up while it waits leaves the queue; the next one is served', async () => {
  const limits = {
    maxConcurrent: 1,
    maxConcurrentPerWorker: 1,
    queueRequests: 9,
    queueBytes: 9,
    queueTimeoutMs: 1_000,
  };
  const admission = new Admission<object>(limits, new ManualClock());
  const first = admission.enter({ bytes: 0, uncachedTokens: 0 }) as Slot<object>;
  const server = http.createServer(async (_request, response) => {
    try {
      const slot = await waitForSlot(admission.enter({ bytes: 1, uncachedTokens: 0 }), response);
      response.once('close', () => slot.leave());
      response.end('served');
    } catch {
      response.destroy();
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const hangUp = new AbortController();
  const impatient = fetch(url, { signal: hangUp.signal });
  await eventually(() => expect(admission.waiting).toBe(1));
  const patient = fetch(url);
  await eventually(() => expect(admission.waiting).toBe(2));
  hangUp.abort();
  await expect(impatient).rejects.toThrow();
  await eventually(() => expect(admission.waiting).toBe(1));
  first.leave();
  expect(await (await patient).text()).toBe('served');
  await eventually(() => expect([admission.running, admission.waiting]).toEqual([0, 0]));
  server.closeAllConnections();
  server.close();
});
