import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Store } from '../../../runtime/router/store/store.ts';
import { startProgram } from '../../support/process.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const program = path.join(import.meta.dirname, '../../support/programs/turn-writer.ts');

test('a router that is killed while it writes loses no turn that it acknowledged', async () => {
  await using folder = await temporaryDirectory();
  for (let round = 0; round < 3; round++) {
    await using writer = startProgram(program, [folder.path]);
    await writer.waitForLine(/recorded \d+-30/);
    writer.signal('SIGKILL');
    await writer.waitForExit();
    const acknowledged = writer.lines.flatMap((line) => line.match(/^recorded (\S+)$/)?.[1] ?? []);

    const store = await Store.open({ dataDir: folder.path });
    const turns = await store.turns.list(`s-${writer.pid}`);
    expect(turns.map(({ turnId }) => turnId).slice(0, acknowledged.length)).toEqual(acknowledged);
    expect(turns.map(({ seq }) => seq)).toEqual(turns.map((_, i) => i + 1));
    expect(await store.turns.agentState(`s-${writer.pid}`)).toEqual({ after: turns.at(-1)!.turnId });
    await store.close();
  }
  const database = new DatabaseSync(path.join(folder.path, 'fleet.sqlite'));
  expect({ ...database.prepare('PRAGMA integrity_check').get() }).toEqual({ integrity_check: 'ok' });
  database.close();
});
