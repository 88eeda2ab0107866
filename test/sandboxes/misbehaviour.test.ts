import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { AgentDefinition } from '../../runtime/sandboxes/agent-definition.ts';
import { noConfinement } from '../../runtime/sandboxes/confinement.ts';
import { identifyProcess } from '../../runtime/shared/process/process-table.ts';
import { sendSignal } from '../../runtime/shared/process/process-tree.ts';
import { until } from '../support/poll.ts';
import { readTurn, StartedPool, scriptedAgent, scriptedAgentFile } from '../support/started-pool.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const isGone = (pid: number) => identifyProcess(pid) === undefined;

/** Bad deeds in the middle of a turn, and what the caller gets. */
const deeds: [deed: string, code: string, message: RegExp, changes: Partial<AgentDefinition>][] = [
  ['crash', 'SANDBOX_DIED', /its process ended with status 3/, {}],
  ['flood', 'SANDBOX_OUTPUT_LIMIT', /more than 100000 bytes in one turn/, { maxTurnBytes: 100_000 }],
  ['flood-stderr', 'SANDBOX_OUTPUT_LIMIT', /more than 100000 bytes in one turn/, { maxTurnBytes: 100_000 }],
  ['long', 'SANDBOX_OUTPUT_LIMIT', /a line of more than 1048576 bytes/, {}],
  ['garbage', 'SANDBOX_DIED', /broke the protocol: a line is not JSON/, {}],
  ['stray', 'SANDBOX_DIED', /broke the protocol: a "chunk" line names a turn that is not running/, {}],
  ['hang', 'SANDBOX_TIMEOUT', /did not finish a turn within 0.3 s/, { turnTimeoutMs: 300 }],
  ['block', 'SANDBOX_TIMEOUT', /did not finish a turn within 0.3 s/, { turnTimeoutMs: 300 }],
  ['grow', 'SANDBOX_OUT_OF_MEMORY', /MiB of memory, its limit is 200 MiB/, { memoryMb: 200 }],
  [
    'heap',
    'SANDBOX_OUT_OF_MEMORY',
    /heap reached the memory limit/,
    { memoryMb: 64, program: { kind: 'script', file: scriptedAgentFile } },
  ],
];

test.each(deeds)(
  'an agent that does "%s" is ended with %s; nothing else is touched',
  async (deed, code, message, changes) => {
    await using host = await StartedPool.start({
      agents: [scriptedAgent(), scriptedAgent([], { name: 'bad', ...changes })],
      maxSandboxes: 2,
    });
    const good = await host.session('good');
    const bad = await host.session('bad', 'bad');
    const pid = host.pidOf('bad');
    const failure = await bad.say(deed).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(isGone(pid)).toBe(true);
    // Its place is free again, its session goes on in a new sandbox, and the neighbour noticed nothing.
    expect(host.pool.get('bad')).toBeUndefined();
    expect(host.pool.statistics.activeCount).toBe(1);
    expect((await (await host.session('bad', 'bad')).say('say again')).text).toBe('again');
    expect((await good.say('say fine')).text).toBe('fine');
  },
);

/** Agents that cannot be started. */
const starts: [why: string, args: string[], code: string, message: RegExp][] = [
  ['is never ready', ['--never-ready'], 'SANDBOX_TIMEOUT', /was not ready 0.5 s after its start/],
  ['speaks another version', ['--protocol', '2'], 'SANDBOX_DIED', /it speaks version 2, this host speaks 1/],
  ['greets with garbage', ['--greet', 'Welcome!'], 'SANDBOX_DIED', /a line is not JSON/],
  ['speaks before it is ready', ['--greet', '{"type":"done","turnId":"x"}'], 'SANDBOX_DIED', /came before "ready"/],
];

test.each(starts)('an agent that %s gives no sandbox', async (_why, args, code, message) => {
  await using host = await StartedPool.start({ agents: [scriptedAgent(args, { startTimeoutMs: 500 })] });
  const failure = await host.session().catch((error: unknown) => error);
  expect(failure).toMatchObject({ code, message: expect.stringMatching(message) });
  expect(host.pool.statistics.activeCount).toBe(0);
});

test('a program that does not exist gives no sandbox and names itself', async () => {
  const agent = scriptedAgent([], { program: { kind: 'command', argv: ['/no/such/agent'] } });
  await using host = await StartedPool.start({
    agents: [agent],
    confinement: noConfinement,
  });
  await expect(host.session()).rejects.toMatchObject({
    code: 'SANDBOX_DIED',
    message: expect.stringContaining('/no/such/agent'),
  });
});

test('what an agent started is gone with it, also what made a session of its own', async () => {
  await using host = await StartedPool.start();
  const session = await host.session();
  const children = (await session.say('children')).text.split(' ').map(Number);
  expect(children.map(isGone)).toEqual([false, false]);
  await host.pool.destroy('s');
  await until('the children are gone', () => children.every(isGone));
});

test('what an agent started is gone after it crashed', async () => {
  await using host = await StartedPool.start();
  const session = await host.session();
  const [child, detached] = (await session.say('children')).text.split(' ').map(Number);
  await session.say('crash').catch(() => undefined);
  await until('the child is gone', () => isGone(child!));
  // Nobody saw it before the crash but the host's look every half second, which may not have come.
  sendSignal(detached!, 'SIGKILL');
});

test('an agent that does not end when its stdin closes is killed', async () => {
  await using host = await StartedPool.start({ agents: [scriptedAgent(['--ignore-end'])], graceMs: 100 });
  await host.session();
  const pid = host.pidOf('s');
  await host.pool.destroy('s');
  expect(isGone(pid)).toBe(true);
});

test('a line in single bytes, in the middle of characters, is one line', async () => {
  await using host = await StartedPool.start();
  expect((await (await host.session()).say('halves')).done.message.content).toBe('häß€');
});

test('an agent that answers and leaves at once has answered', async () => {
  await using host = await StartedPool.start();
  expect((await (await host.session()).say('quit')).done.message.content).toBe('bye');
  await until('its place is free', () => host.pool.statistics.activeCount === 0);
});

test('the end of what a crashed agent wrote to stderr is in the log and not in the answer', async () => {
  await using host = await StartedPool.start();
  const failure = await (await host.session()).say('crash').catch((error: Error) => error.message);
  expect(failure).not.toContain('about to crash');
  await until('it is logged', () => host.logged.some((entry) => entry['detail'] === 'about to crash\n'));
});

test('a reader that takes its time holds the agent up instead of filling the memory', async () => {
  await using host = await StartedPool.start({ agents: [scriptedAgent([], { maxTurnBytes: 50_000_000 })] });
  const events = await (await host.session()).open('flood');
  const iterator = events[Symbol.asyncIterator]();
  await iterator.next();
  const written = () => Number(/^wchar: (\d+)$/m.exec(readFileSync(`/proc/${host.pidOf('s')}/io`, 'utf8'))![1]);
  let before = -1;
  await until('it writes nothing more', () => {
    const last = before;
    before = written();
    return before === last;
  });
  expect(before).toBeLessThan(5_000_000);
  await expect(readTurn({ [Symbol.asyncIterator]: () => iterator })).rejects.toMatchObject({
    code: 'SANDBOX_OUTPUT_LIMIT',
  });
});

test('under a control group with a limit, a kill that nobody ordered is the kernel out of memory', async () => {
  await using folder = await temporaryDirectory();
  // What systemd-run does to the process: nothing that it could see.
  const standIn = '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift; exec "$@"\n';
  await writeFile(path.join(folder.path, 'systemd-run'), standIn, { mode: 0o755 });
  await using host = await StartedPool.start({
    memoryMb: 256,
    agents: [scriptedAgent([], { memoryMb: undefined })],
    confinement: { ...noConfinement, hasNice: true, systemdScope: 'system' },
    environment: { PATH: `${folder.path}:${process.env['PATH']}` },
  });
  const session = await host.session();
  expect((await session.say('say held')).text).toBe('held');
  const turn = session.say('wait');
  process.kill(host.pidOf('s'), 'SIGKILL');
  await expect(turn).rejects.toMatchObject({ code: 'SANDBOX_OUT_OF_MEMORY' });
});
