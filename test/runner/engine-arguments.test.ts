import { InvalidArgumentError } from 'commander';
import fc from 'fast-check';
import { collectEngineSettings } from '../../runtime/runner/engine/arguments/collect-settings.ts';
import { engineArguments } from '../../runtime/runner/engine/arguments/engine-arguments.ts';
import type { EngineSettings } from '../../runtime/runner/engine/arguments/given-arguments.ts';
import { flagOf, sglangSettings } from '../../runtime/runner/engine/arguments/sglang-settings.ts';

const defaults = ['--enable-metrics', '--enable-cache-report'];

/** The flags beside the defaults. @throws when there are mistakes */
function flags(settings: EngineSettings, raw: readonly string[] = []): string[] {
  const { args, mistakes } = engineArguments(settings, raw);
  expect(mistakes).toEqual([]);
  return args.filter((word) => !defaults.includes(word));
}

function mistakes(settings: EngineSettings, raw: readonly string[] = []): readonly string[] {
  return engineArguments(settings, raw).mistakes;
}

test('every spelling belongs to one setting', () => {
  const spellings = sglangSettings.flatMap(({ name, flag, aliases, oldFlags }) => [
    ...new Set([flagOf(name), flag, ...aliases, ...oldFlags]),
  ]);
  expect(spellings.filter((spelling, index) => spellings.indexOf(spelling) !== index)).toEqual([]);
  for (const spelling of spellings) expect(flagOf(spelling)).toBe(spelling);
});

describe('settings', () => {
  test.each([
    'tensorParallelSize',
    'tensor_parallel_size',
    'tensor-parallel-size',
    '--tensor-parallel-size',
    'tp',
    '--tp',
    'tp_size',
    'tpSize',
    'tp-size',
  ])('%s is --tp-size', (spelling) => {
    expect(flags({ [spelling]: 2 })).toEqual(['--tp-size', '2']);
    expect(flags({ [spelling]: '2' })).toEqual(['--tp-size', '2']);
  });

  test.each([
    ['dataParallelSize', '--dp-size'],
    ['contextLength', '--context-length'],
    ['memFractionStatic', '--mem-fraction-static'],
    ['speculative_draft_model', '--speculative-draft-model-path'],
    ['ep', '--ep-size'],
    ['nodeCount', '--nnodes'],
  ])('%s is %s', (name, flag) => {
    expect(flags({ [name]: 1 }, flag === '--nnodes' ? ['--dist-init-addr', 'a:1'] : [])).toContain(flag);
  });

  test('true is the bare flag, false none, a list several values, a map JSON', () => {
    const settings = {
      trustRemoteCode: true,
      disableRadixCache: false,
      loraPaths: ['a=/one', 'b=/two'],
      jsonModelOverrideArgs: { rope: { factor: 2 } },
    };
    expect(flags(settings)).toEqual([
      '--trust-remote-code',
      ...['--lora-paths', 'a=/one', 'b=/two'],
      ...['--json-model-override-args', '{"rope":{"factor":2}}'],
    ]);
  });

  test('a name that is not in the table becomes the flag that SGLang would make of it', () => {
    expect(flags({ someNewOption: 'x', another_switch: true })).toEqual(['--some-new-option', 'x', '--another-switch']);
  });

  test('what the router needs is on unless it is given or turned off', () => {
    expect(engineArguments({}, []).args).toEqual(defaults);
    expect(engineArguments({ enableMetrics: false }, ['--enable-cache-report']).args).toEqual([
      '--enable-cache-report',
    ]);
  });

  test.each([
    [{ tensorParallelSize: 'two' }, 'tensorParallelSize is "two"; write a whole number'],
    [{ mem_fraction_static: 'much' }, 'mem_fraction_static is "much"; write a number'],
    [{ disableRadixCache: 'yes' }, 'disableRadixCache is "yes"; it is a switch'],
    [{ quantization: true }, 'quantization is true; write one value'],
  ] as [EngineSettings, string][])('%j is refused before the launch', (settings, message) => {
    expect(mistakes(settings)).toEqual([expect.stringContaining(message)]);
  });

  test('from the command line: pairs, and JSON for what a pair cannot say', () => {
    const pairs = collectEngineSettings('quantization=fp8', collectEngineSettings('trustRemoteCode=true'));
    expect(pairs).toEqual({ trustRemoteCode: true, quantization: 'fp8' });
    expect(collectEngineSettings('{"loraPaths":["a=b"],"quantization":"awq"}', pairs)).toEqual({
      trustRemoteCode: true,
      quantization: 'awq',
      loraPaths: ['a=b'],
    });
    expect(collectEngineSettings('chatTemplate=a=b')).toEqual({ chatTemplate: 'a=b' });
  });

  test.each(['tp', '=2', '{"apiKey":"geheim', '{"tp":null}'])(
    '%s is no setting, and is not repeated in the message',
    (text) => {
      expect(() => collectEngineSettings(text)).toThrow(InvalidArgumentError);
      expect(() => collectEngineSettings(text)).not.toThrow(/geheim/);
    },
  );
});

describe('raw arguments', () => {
  test('a true alias gets its current spelling, in either form', () => {
    expect(flags({}, ['--tp', '4', '--dp=2', '--expert-parallel-size', '4'])).toEqual([
      ...['--tp-size', '4', '--dp-size', '2', '--ep-size', '4'],
    ]);
  });

  test('a flag of before a rename stays, since an older SGLang knows no other', () => {
    expect(flags({}, ['--cuda-graph-max-bs', '32', '--stream-output'])).toEqual([
      ...['--cuda-graph-max-bs', '32', '--stream-output'],
    ]);
  });

  test('unknown flags and their values pass through untouched, repeated ones too', () => {
    const word = fc.string({ minLength: 1 }).filter((text) => !text.startsWith('--'));
    const flag = fc.stringMatching(/^--zz-[a-z]{1,8}(=[ -~]*)?$/);
    const words = fc.array(fc.tuple(flag, fc.array(word, { maxLength: 3 })).map(([name, values]) => [name, ...values]));
    fc.assert(
      fc.property(words, (groups) => {
        const raw = groups.flat();
        expect(engineArguments({}, raw)).toEqual({ args: [...defaults, ...raw], mistakes: [] });
      }),
    );
  });

  test('words in front of the first flag stay where they are', () => {
    expect(flags({}, ['-x', 'y', '--tp', '2'])).toEqual(['-x', 'y', '--tp-size', '2']);
  });

  test.each([
    ['--port=1', '--engine-port'],
    ['--host', '--listen-host'],
    ['--model-path', '--model'],
    ['--model', '--model'],
    ['--api-key', '--api-keys'],
  ])("%s is the runner's own: use %s", (flag, option) => {
    expect(mistakes({}, [flag])[0]).toContain(option);
    expect(mistakes({}, [flag])).toEqual([
      expect.stringMatching(new RegExp(`^${flag.split('=')[0]} contradicts the runner.* instead.*`)),
    ]);
  });
});

describe('contradictions', () => {
  test('the same value twice is no contradiction and is given once', () => {
    expect(flags({ tensorParallelSize: 2 }, ['--tp', '2', '--tp-size=2'])).toEqual(['--tp-size', '2']);
  });

  const cases: [name: string, settings: EngineSettings, raw: string[], named: string[]][] = [
    ['settings against arguments', { tensorParallelSize: 4 }, ['--tp', '2'], ['tensorParallelSize', '--tp', '4', '2']],
    ['arguments against themselves', {}, ['--tp-size', '2', '--tp', '4'], ['--tp-size is 2', '(--tp)']],
    ['two spellings of one setting', { dp: 1, data_parallel_size: 2 }, [], ['(dp)', '(data_parallel_size)']],
    [
      'before and after a rename',
      { cudaGraphMaxBatchSize: 8 },
      ['--cuda-graph-max-bs', '9'],
      ['cudaGraphMaxBatchSize', '--cuda-graph-max-bs'],
    ],
    ['an unknown flag in both', { fancyMode: 'a' }, ['--fancy-mode', 'b'], ['fancyMode', '--fancy-mode']],
    ['off and on', { disableRadixCache: false }, ['--disable-radix-cache'], ['false', '--disable-radix-cache']],
    [
      'a cache without its tree',
      { enableHierarchicalCache: true },
      ['--disable-radix-cache'],
      ['enableHierarchicalCache', '--disable-radix-cache'],
    ],
    [
      'keys and tokenizer workers',
      { tokenizerWorkers: 4 },
      ['--admin-api-key', 'k'],
      ['--admin-api-key', 'tokenizerWorkers'],
    ],
    [
      'graphs off and chosen',
      { disableCudaGraph: true, cudaGraphBackendDecode: 'full' },
      [],
      ['disableCudaGraph', 'cudaGraphBackendDecode'],
    ],
    ['attention ranks', { tp: 4, dp: 3, enableDpAttention: true }, [], ['(tp)', '(dp)', 'enableDpAttention']],
    ['attention ranks of 0.5.23', { tp: 4 }, ['--attn-dp-size', '3'], ['(tp)', '--attn-dp-size 3']],
    ['chunks and pages', { chunkedPrefillSize: 100, pageSize: 64 }, [], ['chunkedPrefillSize', 'pageSize']],
    [
      'priorities and policy',
      { enablePriorityScheduling: true, schedulePolicy: 'lpm' },
      [],
      ['enablePriorityScheduling', 'schedulePolicy'],
    ],
    ['GPUs per node', { tp: 3, nodeCount: 2, distInitAddr: 'a:1' }, [], ['(tp)', '(nodeCount)']],
    [
      'data parallel over nodes',
      { tp: 2, dp: 2, nodeCount: 2, distInitAddr: 'a:1' },
      [],
      ['(dp)', '(nodeCount)', '--enable-dp-attention'],
    ],
    ['nodes that cannot meet', { tp: 2, nodeCount: 2 }, [], ['nodeCount', '--dist-init-addr']],
    ['a rank beyond the nodes', { nodeRank: 1 }, [], ['nodeRank', '--nnodes']],
    [
      'a rank that never serves',
      { tp: 2, nodeCount: 2, nodeRank: 1, distInitAddr: 'a:1' },
      [],
      ['nodeRank', 'nodeCount'],
    ],
  ];
  test.each(cases)('%s: one message that names both', (_name, settings, raw, named) => {
    const found = mistakes(settings, raw);
    expect(found).toHaveLength(1);
    for (const text of named) expect(found[0]).toContain(text);
  });

  test('what only looks like a contradiction passes', () => {
    expect(mistakes({ disableCudaGraph: true, cudaGraphBackendDecode: 'disabled' })).toEqual([]);
    expect(mistakes({ tp: 4, dp: 2, enableDpAttention: true })).toEqual([]);
    expect(mistakes({ chunkedPrefillSize: -1, pageSize: 64 })).toEqual([]);
    expect(mistakes({ chunkedPrefillSize: 100, pageSize: 64, disaggregationMode: 'decode' })).toEqual([]);
    expect(mistakes({ enablePriorityScheduling: true })).toEqual([]);
    expect(mistakes({ tp: 8, pp: 2, nodeCount: 2, nodeRank: 0, distInitAddr: 'a:1' })).toEqual([]);
    expect(mistakes({ adminApiKey: 'k', tokenizerWorkers: 1 })).toEqual([]);
  });

  test('all mistakes are told at once', () => {
    const found = mistakes({ tp: 'x', enableHierarchicalCache: true }, [
      ...['--disable-radix-cache', '--port', '1', '--dp', '1', '--dp-size', '2'],
    ]);
    expect(found).toHaveLength(4);
  });

  test('a key is never part of a message', () => {
    const found = mistakes({ adminApiKey: 'geheim', tokenizerWorkers: 2 }, ['--admin-api-key', 'anders']);
    expect(found).toHaveLength(2);
    expect(found.join()).not.toMatch(/geheim|anders/);
  });
});
