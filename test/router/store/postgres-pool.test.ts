import pg from 'pg';
import { DatabasePassword } from '../../../runtime/router/store/database-password.ts';
import { openPostgresPool } from '../../../runtime/router/store/postgres-pool.ts';
import { storeFailure } from '../../../runtime/router/store/store-failure.ts';
import { eventually } from '../../support/eventually.ts';
import { StartedPostgres } from '../../support/started-postgres.ts';

test('a server that stops while a connection is in use, between two statements, does not end the process', async () => {
  await using postgres = await StartedPostgres.start();
  const pool = await openPostgresPool(await postgres.createDatabase(), { onError: () => {} });
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

/** From now on `postgres` lets in only who knows the password. */
async function askForPassword(client: pg.PoolClient, password: string): Promise<void> {
  await client.query(`alter user fleet password '${password}'`);
  const { rows } = await client.query<{ hba_file: string }>('show hba_file');
  await client.query(`copy (select 'host all all 127.0.0.1/32 scram-sha-256') to '${rows[0]!.hba_file}'`);
  await client.query('select pg_reload_conf()');
}

test('a password that changes is read again when it is refused, and until then the database counts as down', async () => {
  await using postgres = await StartedPostgres.start();
  const secret = { text: '{"username":"fleet","password":"old"}' };
  let nowMs = 0;
  const password = new DatabasePassword(
    'db',
    async () => secret.text,
    () => nowMs,
  );
  const url = await postgres.createDatabase();
  const pool = await openPostgresPool(url, { onError: () => {}, password });
  const first = await pool.connect();
  await askForPassword(first, 'old');
  // The server reads its rules anew in its own time.
  await eventually(async () => {
    const stranger = new pg.Client(url.replace('fleet@', 'fleet:wrong@'));
    const outcome = await stranger.connect().catch((error: unknown) => error);
    await stranger.end();
    expect(outcome).toMatchObject({ code: '28P01' });
  });
  (await pool.connect()).release();

  await first.query("alter user fleet password 'new'");
  secret.text = '{"username":"fleet","password":"new"}';
  nowMs = 60_000;
  const held = await pool.connect(); // One that was open before: it goes on.
  const refusal = await pool.connect().catch((error: unknown) => error);
  expect([storeFailure(refusal), String(refusal)]).toEqual(['down', 'Error: The database refused the password.']);
  const { rows } = await pool.query('select 1 as one');
  expect(rows).toEqual([{ one: 1 }]);
  for (const client of [first, held]) client.release();
  await pool.end();
});

test('a database without TLS is refused where the URL wants TLS', async () => {
  await using postgres = await StartedPostgres.start();
  const url = `${await postgres.createDatabase()}?sslmode=verify-full`;
  const pool = await openPostgresPool(url, { onError: () => {} });
  await expect(pool.query('select 1')).rejects.toThrow('does not support SSL');
  await pool.end();
});
