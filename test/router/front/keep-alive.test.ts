import { readFileSync } from 'node:fs';
import path from 'node:path';
import { eventually } from '../../support/eventually.ts';
import { RawClient, request } from '../../support/raw-client.ts';
import { startTestFront } from '../../support/test-front.ts';

const fixture = (name: string) => readFileSync(path.join(import.meta.dirname, '../../fixtures/tls', name), 'utf8');

/** Kinds of timers that run on open connections of a local port, by Linux's proc(5): 2 is keep-alive. */
function timersOn(port: number): string[] {
  const [, ...rows] = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n');
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, local, , state]) => Number(`0x${local!.split(':')[1]}`) === port && state === '01')
    .map((fields) => fields[5]!.split(':')[0]!);
}

test.each([
  ['plain', undefined],
  ['encrypted', { cert: fixture('first.pem'), key: fixture('first.key') }],
])('the kernel looks after silent %s connections of clients', async (_kind, tls) => {
  await using front = await startTestFront({ ...(tls && { tls }) });
  using client = tls ? RawClient.to(front.url) : front.connect();
  if (!tls) await client.send(request('POST', '/relay')).answer();
  await eventually(() => expect(timersOn(front.front.address.port)).toEqual(['02']));
});
