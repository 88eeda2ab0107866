import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { createDiscoveryClients } from '../../runtime/router/coordinator/discovery-clients.ts';

const root = path.resolve(import.meta.dirname, '../..');

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
