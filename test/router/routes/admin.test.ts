import fastify from 'fastify';
import { createControlApp } from '../../../runtime/router/control-app.ts';
import { parseKeyList } from '../../../runtime/router/keys/key-list.ts';
import { KeyRing } from '../../../runtime/router/keys/key-ring.ts';
import { requireScope } from '../../../runtime/router/keys/require-scope.ts';
import { registerAdminRoutes } from '../../../runtime/router/routes/admin.ts';
import type { ServerParts } from '../../../runtime/router/server-parts.ts';
import { createLogger } from '../../../runtime/shared/log.ts';
import { startTestAdminServer } from './test-admin-server.ts';

const keys = parseKeyList('team:sk-team,admin:sk-admin');
const bearer = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });
const register = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ runnerId: 'r', host: 'h', port: 1, maxSandboxes: 0 }),
};

test('the separate listener serves health, metrics, the fleet and internal routes', async () => {
  await using admin = await startTestAdminServer();
  for (const path of ['/health', '/metrics', '/api/fleet', '/list_workers']) {
    expect([path, (await admin.call('GET', path)).status]).toEqual([path, 200]);
  }
  expect((await admin.call('POST', '/api/internal/runners/register', register)).status).toBe(200);
  const unknown = await admin.call('POST', '/v1/chat/completions');
  expect([unknown.status, JSON.parse(unknown.text)]).toMatchObject([404, { error: { code: 'UNKNOWN_ROUTE' } }]);
  expect(unknown.headers.get('x-fleet-request-id')).toMatch(/^[0-9a-f]{32}$/);
});

test('changing the list of workers needs the admin scope on the separate listener too, looking does not', async () => {
  await using admin = await startTestAdminServer({ keys });
  const url = '/add_worker?url=http://127.0.0.1:1&timeout=0';
  const nobody = await admin.call('POST', url);
  expect([nobody.status, nobody.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  expect((await admin.call('POST', url, bearer('sk-team'))).status).toBe(403);
  expect(admin.registry.workers).toEqual([]);
  expect((await admin.call('POST', url, bearer('sk-admin'))).status).toBe(200);
  expect((await admin.call('GET', '/metrics')).status).toBe(200);
});

describe('on a listener that clients reach as well', () => {
  const statusOf = async (path: string, key: string | undefined, internalSecret?: string) => {
    const ring = new KeyRing();
    ring.replace('test', keys.entries);
    const log = createLogger({ service: 'test', level: 'silent' });
    await using admin = await startTestAdminServer();
    const app = createControlApp(log);
    const parts = {
      ...{ config: { internalSecret }, registry: admin.registry, coordinator: {}, log, keys: ring },
      metrics: { registry: { contentType: 'text/plain', metrics: () => '' } },
    } as unknown as ServerParts;
    await registerAdminRoutes(app, parts, 'shared');
    const url = path as '/metrics';
    const method = path.includes('/internal/') ? 'POST' : 'GET';
    const { statusCode } = await app.inject({ method, url, headers: key ? { authorization: `Bearer ${key}` } : {} });
    await app.close();
    return statusCode;
  };

  test.each(['/metrics', '/api/fleet', '/workers', '/api/internal/runners/deregister'])(
    '%s needs the admin scope once keys are set',
    async (path) => {
      expect(await statusOf(path, undefined)).toBe(401);
      expect(await statusOf(path, 'sk-team')).toBe(403);
      expect([200, 400]).toContain(await statusOf(path, 'sk-admin'));
    },
  );

  test('internal routes with a secret of their own take that and nothing else', async () => {
    const path = '/api/internal/runners/deregister';
    expect(await statusOf(path, 'sk-admin', 'internal')).toBe(401);
    expect(await statusOf(path, 'internal', 'internal')).toBe(400);
  });
});

test('a hook lets through whom the ring lets through', async () => {
  const ring = new KeyRing();
  const app = fastify();
  app.addHook('onRequest', requireScope(ring, 'inference'));
  app.get('/', async () => 'in');
  expect((await app.inject('/')).statusCode).toBe(200);
  ring.replace('test', keys.entries);
  expect((await app.inject('/')).statusCode).not.toBe(200);
  expect((await app.inject({ url: '/', headers: { 'x-api-key': 'sk-team' } })).statusCode).toBe(200);
  await app.close();
});
