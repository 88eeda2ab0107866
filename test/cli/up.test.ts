import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { findFreePort } from '../../runtime/shared/process/free-port.ts';
import { identifyProcess, isRunning, readProcessTable } from '../../runtime/shared/process/process-table.ts';
import { until } from '../support/poll.ts';
import { startFleetCommand } from '../support/process.ts';
import { processesOf, StartedFleet, untilGone } from '../support/started-fleet.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test('fleet up serves completions from every worker, and the request that it prints works as it stands', async () => {
  await using fleet = await StartedFleet.start({ workers: 2 });
  expect(await fleet.complete()).toMatchObject({ status: 200, text: expect.stringMatching(/\w/) });

  const [, url] = fleet.process.output.match(/^ {2}curl -s (\S+) -H 'content-type: application\/json' \\$/m)!;
  const [, body] = fleet.process.output.match(/^ {4}-d '(.+)'$/m)!;
  const response = await fetch(url!, { method: 'POST', headers: { 'content-type': 'application/json' }, body: body! });
  expect([response.status, await response.json()]).toMatchObject([200, { model: JSON.parse(body!).model }]);

  for (const number of [1, 2]) {
    const health = await fleet.workerHealth(number);
    expect(health).toMatchObject({ runnerId: `worker-${number}`, engine: { state: 'ready' } });
    expect((await fetch(`${health.engineUrl}/v1/models`)).status).toBe(200);
  }
  for (const file of ['router.log', 'worker-1/runner.log', 'worker-2/engine.log']) {
    expect(readFileSync(path.join(fleet.dataDir, 'logs', file), 'utf8')).not.toBe('');
  }
});

test('Ctrl-C lets a stream in flight end, then leaves no process and no lock', async () => {
  await using fleet = await StartedFleet.start();
  const processes = fleet.processes();
  // fleet up, the router, a runner, its engine; a waiting sandbox may have started by now.
  expect([4, 5]).toContain(processes.length);

  const stream = await fleet.openChat(150, true);
  fleet.process.signal('SIGINT');
  await fleet.process.waitForLine(/stopping; requests in flight get up to 30 s/);
  const text = await stream.text();
  expect(text.match(/"content":"[^"]+"/g)).toHaveLength(150);
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true);

  expect(await fleet.process.waitForExit()).toEqual({ code: 0, signal: null });
  expect(processes.filter(isRunning)).toEqual([]);
  expect(existsSync(path.join(fleet.dataDir, 'up.lock'))).toBe(false);
});

test('a second Ctrl-C ends everything at once, whatever is in flight', async () => {
  await using fleet = await StartedFleet.start();
  const processes = fleet.processes();
  const stream = await fleet.openChat(30_000, true);
  const end = stream.text().catch((error: Error) => error);
  fleet.process.signal('SIGINT');
  await fleet.process.waitForLine(/stopping;/);
  // Signals that come together count as one, so it is sent until it counts.
  await until('the second Ctrl-C ended it', () => {
    fleet.process.signal('SIGINT');
    return fleet.process.hasEnded;
  });
  expect(await fleet.process.waitForExit()).toEqual({ code: 130, signal: null });
  await untilGone(processes);
  await end;
  expect(existsSync(path.join(fleet.dataDir, 'up.lock'))).toBe(false);
});

test('Ctrl-C during the start ends what was started so far', async () => {
  await using folder = await temporaryDirectory();
  const args = ['up', '--port', '0', '--workers', '1', '--data-dir', folder.path, '--', '--startup-seconds', '600'];
  await using fleet = startFleetCommand(args);
  await fleet.waitForLine(/router answers/);
  await until('the engine was launched', () => processesOf(fleet.pid).length === 4);
  const processes = processesOf(fleet.pid);
  fleet.signal('SIGINT');
  expect(await fleet.waitForExit()).toMatchObject({ code: 0 });
  expect(processes.filter(isRunning)).toEqual([]);
});

test('when fleet up itself is killed, its daemons and engines end by themselves', async () => {
  await using fleet = await StartedFleet.start();
  const processes = fleet.processes();
  fleet.process.signal('SIGKILL');
  await untilGone(processes);
});

test('the next run ends what a killed run left behind, and says so', async () => {
  await using first = await StartedFleet.start();
  const processes = first.processes();
  const daemons = processes.filter(({ pid }) => pid !== first.process.pid);
  // Stopped processes cannot end by themselves.
  for (const { pid } of daemons) process.kill(pid, 'SIGSTOP');
  first.process.signal('SIGKILL');
  await first.process.waitForExit();
  expect(daemons.filter(isRunning)).toEqual(daemons);

  await using second = await StartedFleet.start({ dataDir: first.dataDir });
  expect(second.process.output).toMatch(/an earlier run was killed; ended what it left behind: router \(process \d+\)/);
  expect(processes.filter(isRunning)).toEqual([]);
  expect(await second.complete()).toMatchObject({ status: 200 });
});

test('a router that is killed is shown, started again and serves as before', async () => {
  await using fleet = await StartedFleet.start();
  const { coordinatorId } = (await (await fetch(`${fleet.url}/health`)).json()) as { coordinatorId: string };
  process.kill(Number(coordinatorId.split('-').at(-1)), 'SIGKILL');
  await fleet.process.waitForLine(/router was ended by SIGKILL; it starts again in 0.5 s/);
  await until('the router serves again', async () => {
    return (await fleet.complete().catch(() => undefined))?.status === 200;
  });
});

test('a runner that is killed takes its engine with it and comes back with a new one', async () => {
  await using fleet = await StartedFleet.start();
  const before = await fleet.workerHealth(1);
  const { parentPid: runnerPid } = readProcessTable().find(({ pid }) => pid === before.engine.pid)!;
  process.kill(runnerPid, 'SIGKILL');
  await fleet.process.waitForLine(/worker-1 was ended by SIGKILL; it starts again/);
  const after = await until('the worker is back', async () => {
    const health = await fleet.workerHealth(1).catch(() => undefined);
    return health?.engine.state === 'ready' && health.engine.pid !== before.engine.pid && health;
  });
  expect(after.runnerId).toBe('worker-1');
  await until('the first engine is gone', () => identifyProcess(before.engine.pid!) === undefined);
  await until('the fleet serves again', async () => {
    return (await fleet.complete().catch(() => undefined))?.status === 200;
  });
});

test('an engine that is killed is shown with its end and comes back', async () => {
  await using fleet = await StartedFleet.start();
  const { engine } = await fleet.workerHealth(1);
  process.kill(engine.pid!, 'SIGKILL');
  await fleet.process.waitForLine(/worker-1: its engine was ended by SIGKILL; the runner starts it again/);
  await until('the engine is back', async () => {
    const health = await fleet.workerHealth(1);
    return health.engine.state === 'ready' && health.engine.restarts === 1;
  });
});

test('--engine-url serves engines that already run, and leaves them running', async () => {
  const port = await findFreePort('127.0.0.1');
  const url = `http://127.0.0.1:${port}`;
  await using engine = startFleetCommand(['sim', '--port', String(port)]);
  await using fleet = await StartedFleet.start({ args: ['--engine-url', url] });
  expect(await fleet.complete()).toMatchObject({ status: 200 });
  expect(fleet.process.output).toMatch(new RegExp(`^ +worker +engine ${url}$`, 'm'));
  fleet.process.signal('SIGINT');
  expect(await fleet.process.waitForExit()).toMatchObject({ code: 0 });
  expect(engine.hasEnded).toBe(false);
});
