import fc from 'fast-check';
import type { AgentDefinition } from '../../runtime/sandboxes/agent-definition.ts';
import { type Confinement, confiningPrefix, noConfinement } from '../../runtime/sandboxes/confinement.ts';
import { explainDeath } from '../../runtime/sandboxes/death.ts';
import { errors } from '../../runtime/sandboxes/errors.ts';
import { planLaunch } from '../../runtime/sandboxes/launch.ts';
import { LineReader, LineTooLong } from '../../runtime/sandboxes/line-reader.ts';
import { ownMemoryBytes } from '../../runtime/sandboxes/own-memory.ts';
import { parseAgentLine } from '../../runtime/sandboxes/parse-agent-line.ts';
import { TextTail } from '../../runtime/sandboxes/text-tail.ts';
import { planWarm } from '../../runtime/sandboxes/warm-plan.ts';
import { scriptedAgent } from '../support/started-pool.ts';

describe('the line reader', () => {
  test('however a text is cut into pieces, its lines are the same', () => {
    const line = fc.string({ unit: 'grapheme', maxLength: 30 }).map((text) => text.replaceAll(/\s/g, '_'));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 10 }), fc.array(fc.nat(60), { maxLength: 30 }), (lines, cuts) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
        const reader = new LineReader(1_000);
        const read: string[] = [];
        let start = 0;
        for (const length of [...cuts, bytes.length]) {
          read.push(...reader.push(bytes.subarray(start, start + length)));
          start += length;
        }
        expect(read).toEqual(lines.filter((text) => text !== ''));
      }),
    );
  });

  test('a line that is too long is refused before its end has come', () => {
    const reader = new LineReader(10);
    expect(reader.push(Buffer.from('0123456789\nabc'))).toEqual(['0123456789']);
    expect(() => reader.push(Buffer.from('defghijk'))).toThrow(LineTooLong);
  });
});

describe('a line of an agent', () => {
  test('is read for what it says, unknown fields dropped', () => {
    expect(parseAgentLine('{"type":"done","turnId":"t","mood":"good"}')).toEqual({
      type: 'done',
      turnId: 't',
      content: null,
      state: null,
      usage: null,
    });
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 99, prompt_tokens_details: null };
    expect(parseAgentLine(JSON.stringify({ type: 'done', turnId: 't', usage }))).toMatchObject({
      usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
    });
  });

  test.each([
    ['x', 'not JSON'],
    ['7', 'not a JSON object'],
    ['null', 'not a JSON object'],
    ['[]', 'not a JSON object'],
    ['{}', 'no known "type"'],
    ['{"type":"toString"}', 'no known "type"'],
    ['{"type":"chunk","turnId":"t"}', '"delta" must be text, or "chunk"'],
    ['{"type":"chunk","delta":"x"}', '"turnId" must be text'],
    ['{"type":"chunk","turnId":"t","chunk":{"choices":[{}]}}', '"chunk.choices" must be'],
    ['{"type":"done","turnId":"t","message":"hi"}', '"message" must be an object'],
    ['{"type":"done","turnId":"t","usage":{"prompt_tokens":-1,"completion_tokens":0}}', '"usage.prompt_tokens"'],
    ['{"type":"error","turnId":"t"}', '"message" must be text'],
    ['{"type":"log","level":"loud","message":"x"}', '"level" must be info, warn or error'],
    ['{"type":"ready"}', '"protocol" must be a number'],
  ])('%s is refused, saying why and not what', (line, reason) => {
    expect(() => parseAgentLine(line)).toThrow(reason);
  });

  test('never fails in any other way', () => {
    fc.assert(
      fc.property(fc.json(), (line) => {
        try {
          parseAgentLine(line);
        } catch (error) {
          expect((error as Error).name).toBe('BridgeMistake');
        }
      }),
    );
  });
});

describe('the plan for waiting sandboxes', () => {
  test('they take at most half of the free places, the most important agent first', () => {
    const wanted = new Map([
      ['chat', 3],
      ['other', 2],
    ]);
    const plan = (active: number) => [...planWarm({ maxSandboxes: 10, active, wanted }).values()];
    expect([0, 2, 6, 8, 9, 10].map(plan)).toEqual([
      [3, 2],
      [3, 1],
      [2, 0],
      [1, 0],
      [0, 0],
      [0, 0],
    ]);
  });

  test('a router always sees a free place as long as there is one', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(100), fc.array(fc.nat(50), { maxLength: 5 }), (maxSandboxes, active, counts) => {
        const plan = planWarm({ maxSandboxes, active, wanted: new Map(counts.entries()) });
        const warming = [...plan.values()].reduce((sum, count) => sum + count, 0);
        if (active < maxSandboxes) expect(maxSandboxes - active - warming).toBeGreaterThan(0);
        else expect(warming).toBe(0);
      }),
    );
  });
});

describe('the launch of a sandbox', () => {
  const facts = {
    memoryMb: 128,
    confinement: noConfinement,
    engineUrl: 'http://e:1',
    sessionId: undefined,
    environment: { PATH: '/bin', SECRET: 'x' },
  };
  const script: AgentDefinition = scriptedAgent([], { program: { kind: 'script', file: '/agents/a.mjs' } });

  test('a script is run by this Node with three quarters of its memory as heap, and may read its folder', () => {
    const { file, args } = planLaunch({ ...facts, agent: script });
    expect([file, ...args]).toEqual([
      process.execPath,
      '--permission',
      '--allow-fs-read=/agents/*',
      '--max-semi-space-size=2',
      '--max-old-space-size=96',
      '/agents/a.mjs',
    ]);
  });

  test('a command is run as it stands, with what the machine offers before it', () => {
    const agent = scriptedAgent([], { program: { kind: 'command', argv: ['tool', '-x'] } });
    const confinement: Confinement = { ...noConfinement, hasNice: true, hasDeathSignal: true, systemdScope: 'system' };
    const { file, args } = planLaunch({ ...facts, agent, confinement });
    expect([file, ...args].join(' ')).toBe(
      'systemd-run --system --scope --quiet --collect -p MemoryMax=128M -p MemorySwapMax=0 -p CPUWeight=50 -- ' +
        'nice -n 5 setpriv --pdeathsig KILL tool -x',
    );
  });

  test('without a memory limit there is none', () => {
    expect(planLaunch({ ...facts, memoryMb: null, agent: script }).args.join(' ')).not.toContain('old-space');
    expect(confiningPrefix({ ...noConfinement, systemdScope: 'user' }, null).join(' ')).not.toContain('Memory');
  });

  test('one that starts before its session does not know it', () => {
    const env = (sessionId: string | undefined) => planLaunch({ ...facts, agent: script, sessionId }).env;
    expect(env(undefined)).toEqual({
      PATH: '/bin',
      OPENAI_BASE_URL: 'http://e:1/v1',
      OPENAI_API_KEY: 'none',
      FLEET_AGENT: 'scripted',
    });
    expect(env('s')).toMatchObject({ FLEET_SESSION_ID: 's' });
  });
});

describe('why a sandbox died', () => {
  const ended = {
    end: { code: null, signal: 'SIGKILL', reason: null },
    cause: undefined,
    stderrTail: '',
    hasMemoryGroup: false,
  } as const;

  test.each([
    [{}, 'SANDBOX_DIED', 'its process was ended by SIGKILL'],
    [{ hasMemoryGroup: true }, 'SANDBOX_OUT_OF_MEMORY', 'it reached its memory limit'],
    [
      { stderrTail: 'FATAL ERROR: Reached heap limit - JavaScript heap out of memory' },
      'SANDBOX_OUT_OF_MEMORY',
      'its JavaScript heap reached the memory limit',
    ],
    [{ cause: { code: 'SANDBOX_TIMEOUT', reason: 'it slept' }, hasMemoryGroup: true }, 'SANDBOX_TIMEOUT', 'it slept'],
  ] as const)('%j: %s', (change, code, reason) => {
    expect(explainDeath({ ...ended, ...change })).toEqual({ code, reason });
  });
});

test('memory of its own is what a process shares with nobody, and what was swapped out', () => {
  const status =
    'Name:\tnode\nVmRSS:\t   60000 kB\nRssAnon:\t   15000 kB\nRssFile:\t   44000 kB\nRssShmem:\t    1000 kB\nVmSwap:\t      24 kB\n';
  expect(ownMemoryBytes(status)).toBe(1024 * 16_024);
  expect(ownMemoryBytes('')).toBe(0);
});

test('a tail keeps the end and no more', () => {
  const tail = new TextTail(5);
  for (const part of ['ab', 'cdef', '', 'g']) tail.push(Buffer.from(part));
  expect(tail.toString()).toBe('cdefg');
  tail.push(Buffer.alloc(1_000, 'z'));
  expect(tail.toString()).toBe('zzzzz');
});

test('what is refused for the moment can be tried again, what is wrong cannot', () => {
  const retryable = Object.entries(errors).flatMap(([code, spec]) => (spec.retryable ? code : []));
  expect(retryable).toEqual([
    'SANDBOX_BUSY',
    'NO_CAPACITY',
    'RUNNER_DRAINING',
    'SANDBOX_DIED',
    'SANDBOX_TIMEOUT',
    'ENGINE_UNAVAILABLE',
  ]);
});
