// Records turns in an embedded store as fast as it can and prints each one's id once the store has it. Killed by its test.
import { Store } from '../../../runtime/router/store/store.ts';
import { activeSession, claim, finished } from '../../router/store/session-rows.ts';

const store = await Store.open({ dataDir: process.argv[2]! });
await store.runners.save({ runnerId: 'r1', host: 'h', port: 1, maxSandboxes: 10 }, 0);
const sessionId = `s-${process.pid}`;
await activeSession(store, sessionId);
for (let count = 0; ; count++) {
  const turnId = `${process.pid}-${count}`;
  await store.turns.claim(claim(sessionId, turnId), count);
  await store.turns.record(finished(sessionId, turnId, 1), count);
  process.stdout.write(`recorded ${turnId}\n`);
  // Lets the output go: a process that is killed has said no more than what it had done.
  await new Promise(setImmediate);
}
