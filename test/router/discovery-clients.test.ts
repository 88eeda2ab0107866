import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { createDiscoveryClients } from '../../runtime/router/coordinator/discovery-clients.ts';
import { readMetadata, readRegion } from '../../runtime/shared/imds.ts';

const root = path.resolve(import.meta.dirname, '../..');

async function serve(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Metadata service, version 2: no read without a session token. */
const metadata: RequestListener = (request, response) => {
  if (request.method === 'PUT' && request.url === '/latest/api/token') {
    response.writeHead(request.headers['x-aws-ec2-metadata-token-ttl-seconds'] ? 200 : 400).end('session-token');
  } else if (request.headers['x-aws-ec2-metadata-token'] !== 'session-token') {
    response.writeHead(401).end();
  } else if (request.url === '/latest/meta-data/placement/region') {
    response.end('eu-central-1');
  } else {
    response.writeHead(404).end();
  }
};

test('the region is read from the instance metadata with a session token', async () => {
  using imds = await serve(metadata);
  expect(await readRegion(imds)).toBe('eu-central-1');
});

test('an item that the instance does not have is undefined', async () => {
  using imds = await serve(metadata);
  expect(await readMetadata('spot/instance-action', imds)).toBeUndefined();
});

test('off AWS, where nothing answers, the region is undefined within the time limit', async () => {
  using silent = await serve(() => {});
  const startedAt = performance.now();
  expect(await readRegion({ ...silent, timeoutMs: 100 })).toBeUndefined();
  expect(await readRegion({ endpoint: 'http://127.0.0.1:1' })).toBeUndefined();
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});

test('the clients work in the region they are given', async () => {
  const { autoScaling, ec2 } = await createDiscoveryClients({ region: 'eu-west-1' });
  expect(await autoScaling.config.region()).toBe('eu-west-1');
  expect(await ec2.config.region()).toBe('eu-west-1');
});

test('a router without a group does not load the AWS SDK', async () => {
  const load = async (statement: string) => {
    const program = `
      import { createRequire } from 'node:module';
      await import('./runtime/router/coordinator/discovery.ts');
      await import('./runtime/router/coordinator/discovery-loop.ts');
      const { createDiscoveryClients } = await import('./runtime/router/coordinator/discovery-clients.ts');
      ${statement}
      const loaded = Object.keys(createRequire(process.cwd() + '/').cache);
      console.log(loaded.filter((file) => file.includes('@aws-sdk')).length);`;
    const node = path.join(root, 'node_modules/.bin/node');
    const { stdout } = await promisify(execFile)(node, ['--input-type=module', '-e', program], { cwd: root });
    return Number(stdout);
  };
  expect(await load('')).toBe(0);
  expect(await load("await createDiscoveryClients({ region: 'us-east-1' });")).toBeGreaterThan(0);
});
