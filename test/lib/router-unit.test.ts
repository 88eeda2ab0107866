import type { Command } from 'commander';
import { routerUnit } from '../../lib/router-unit.ts';
import { daemonUnit } from '../../lib/systemd.ts';
import { routerCommand } from '../../runtime/router/command.ts';
import { managedMistakes } from '../../runtime/router/managed/options.ts';
import { parseUnit } from '../support/assembly/unit-text.ts';
import { devFleet } from '../support/dev-fleet.ts';

const small = { groupName: 'f-workers-small', model: 'org/small' };
const large = { groupName: 'f-workers-large', model: 'org/large' };

/** What the router's command line makes of its unit. */
function parsed(routers: Parameters<typeof devFleet>[0]['routers'], workers = [small]) {
  const unit = routerUnit({
    config: devFleet({ routers }).routers,
    region: 'us-east-1',
    workers,
    store: { kind: 'embedded', volumeId: 'vol-1', availabilityZone: 'us-east-1a' },
    internalSecret: 'sglang-fleet/f/internal',
    apiKeysSecret: 'sglang-fleet/f/api-keys',
  });
  const { command: words } = parseUnit(daemonUnit(unit));
  let flags: Record<string, unknown> = {};
  let mistakes: string[] = [];
  const command = routerCommand().exitOverride();
  command.action((rest: string[], given: Record<string, unknown>, self: Command) => {
    flags = given;
    const isGiven = (name: string) => !['default', undefined].includes(self.getOptionValueSource(name));
    mistakes = managedMistakes(given as unknown as Parameters<typeof managedMistakes>[0], rest, isGiven);
  });
  command.parse(words.slice(words.findIndex((word) => word.endsWith('.mjs')) + 1), { from: 'user' });
  return { flags, mistakes };
}

test.each([
  ['as it is', {}],
  ['that waits for nothing', { drainSeconds: 0, holdSeconds: 0 }],
  ['with the upstream router', { engine: 'sglang-router' }],
  ['with a policy of the upstream router', { engine: 'sglang-router', policy: 'cache-aware' }],
] as const)('a router %s starts with options that routers have', (_name, routers) => {
  const { flags, mistakes } = parsed(routers);
  expect(mistakes).toEqual([]);
  expect(flags).toMatchObject({
    port: 8_000,
    adminPort: 8_001,
    publish: 'mixed',
    asg: [{ groupName: 'f-workers-small', model: undefined }],
  });
});

test('of several groups each has its model', () => {
  expect(parsed({}, [small, large]).flags['asg']).toEqual([small, large]);
});

test('the upstream router tells several models apart', () => {
  const { flags, mistakes } = parsed({ engine: 'sglang-router' }, [small, large]);
  expect([flags['sglangRouterArguments'], mistakes]).toEqual(['--enable-igw', []]);
});
