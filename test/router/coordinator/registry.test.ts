import { Registry } from '../../../runtime/router/coordinator/registry.ts';
import { plainAccess } from '../../../runtime/router/upstream/engine-client.ts';
import { createLogger } from '../../../runtime/shared/log.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const engineUrl = 'http://10.0.0.5:7999';
const runner = { runnerId: 'r1', host: '10.0.0.5', port: 4200, maxSandboxes: 0, engineUrl };
const heartbeat = { runnerId: 'r1', activeCount: 0, warmingCount: 0 };

let registry: Registry;
let probed: string[];
beforeEach(() => {
  registry = new Registry(log, 1024 * 1024, plainAccess);
  probed = [];
  registry.on('needs-probe', (worker) => probed.push(worker.id));
});
afterEach(() => registry.close());

const only = () => registry.workers[0]!;
const prove = () => registry.setState(only(), 'ready', 'test');

test('a worker takes no traffic before it is proven', () => {
  registry.registerRunner(runner, 0);
  expect(registry.ready).toEqual([]);
  expect(probed).toEqual(['10.0.0.5:7999']);
  prove();
  expect(registry.ready).toEqual([only()]);
});

test('the same engine from three sources is one worker and stays while one names it', () => {
  registry.addStatic(engineUrl);
  registry.registerRunner(runner, 0);
  registry.applyInstances('workers', [{ instanceId: 'i-1', url: engineUrl, isLeaving: false }]);
  expect(registry.workers).toHaveLength(1);
  expect(only().toView(0)).toMatchObject({ sources: ['static', 'runner', 'asg'], runnerId: 'r1', instanceId: 'i-1' });
  registry.removeRunner('r1');
  registry.applyInstances('workers', []);
  expect(registry.workers).toHaveLength(1);
});

test('an instance that is gone takes its runner with it', () => {
  registry.registerRunner(runner, 0);
  registry.applyInstances('workers', [{ instanceId: 'i-1', url: engineUrl, isLeaving: false }]);
  const worker = only();
  registry.applyInstances('workers', []);
  expect(registry.workers).toEqual([]);
  expect(worker.state).toBe('gone');
});

test('an instance on its way out drains', () => {
  registry.applyInstances('workers', [{ instanceId: 'i-1', url: engineUrl, isLeaving: false }]);
  prove();
  registry.applyInstances('workers', [{ instanceId: 'i-1', url: engineUrl, isLeaving: true }]);
  expect(only().state).toBe('draining');
  expect(registry.ready).toEqual([]);
});

test('an instance on its way out drains whatever its runner says, until the group keeps it after all', () => {
  registry.registerRunner(runner, 0);
  registry.applyInstances('workers', [{ instanceId: 'i-1', url: engineUrl, isLeaving: true }]);
  registry.heartbeat({ ...heartbeat, engineState: 'ready' }, 1);
  expect(only().state).toBe('draining');
  registry.applyInstances('workers', [{ instanceId: 'i-1', url: engineUrl, isLeaving: false }]);
  expect(only().state).toBe('starting');
});

test('what is known of one group says nothing about the instances of another one', () => {
  registry.applyInstances('workers', [{ instanceId: 'i-1', url: engineUrl, isLeaving: false }]);
  registry.applyInstances('others', [{ instanceId: 'i-2', url: 'http://10.0.0.6:7999', isLeaving: false }]);
  registry.applyInstances('others', []);
  expect(registry.workers.map(({ instanceId, groupName }) => [instanceId, groupName])).toEqual([['i-1', 'workers']]);
});

test('a model that workers would be started for is known while none is there', () => {
  const declared = new Registry(log, 1024, plainAccess, new Set(['asleep']));
  expect([...declared.models]).toEqual(['asleep']);
  const worker = declared.addStatic(engineUrl);
  worker.models = [{ id: 'awake' }];
  declared.setState(worker, 'ready', 'test');
  expect([...declared.models].sort()).toEqual(['asleep', 'awake']);
  declared.close();
});

test('an instance that is leaving when it is first seen is not added', () => {
  registry.applyInstances('workers', [{ instanceId: 'i-1', url: engineUrl, isLeaving: true }]);
  expect(registry.workers).toEqual([]);
});

test('a runner that says its engine is down loses traffic at once and has to prove itself again', () => {
  registry.registerRunner(runner, 0);
  prove();
  registry.heartbeat({ ...heartbeat, engineState: 'down' }, 1);
  expect(only().state).toBe('suspect');
  expect(probed).toHaveLength(2);
});

test('a runner that came back with another engine port leaves no old worker behind', () => {
  registry.registerRunner(runner, 0);
  registry.registerRunner({ ...runner, engineUrl: 'http://10.0.0.5:8001' }, 1);
  expect(registry.workers.map(({ id }) => id)).toEqual(['10.0.0.5:8001']);
});

test('runners that drain are known, whoever said so; what else an unknown runner says is nothing', () => {
  registry.registerRunner(runner, 0);
  registry.registerRunner({ ...runner, runnerId: 'r2', engineUrl: 'http://10.0.0.6:7999' }, 0);
  expect(registry.drainingRunners).toEqual([]);
  registry.hear({ runnerId: 'r2', engineState: 'draining' });
  registry.hear({ runnerId: 'r3', engineState: 'draining' });
  expect(registry.drainingRunners).toEqual(['r2']);
});

test('a heartbeat of an unknown runner is refused', () => {
  expect(registry.heartbeat(heartbeat, 0)).toBe(false);
});
