import { openPostgresPool } from '../../../runtime/router/store/postgres-pool.ts';
import { StartedPostgres } from '../../support/started-postgres.ts';

test('a server that stops while a connection is in use, between two statements, does not end the process', async () => {
  await using postgres = await StartedPostgres.start();
  const pool = await openPostgresPool(await postgres.createDatabase(), () => {});
  const client = await pool.connect();
  await client.query('select 1');
  // Not `once` of node:events, which listens to errors as well.
  const ended = new Promise((resolve) => client.once('end', () => resolve(undefined)));
  await postgres.stop();
  await ended;
  await expect(client.query('select 1')).rejects.toThrow();
  client.release(true);
  await pool.end();
});
