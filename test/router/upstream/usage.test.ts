import { readFileSync } from 'node:fs';
import { readUsage } from '../../../runtime/router/upstream/usage.ts';

const capture = (name: string) => readFileSync(`test/fixtures/sglang-real-0.5.23/${name}.resp`);

describe('usage at the end of an answer of SGLang 0.5.23', () => {
  test.each([
    ['chat_nonstream_2_same_prefix', { promptTokens: 255, cachedTokens: 254 }],
    ['chat_stream_usage', { cachedTokens: 254 }],
    ['generate_stream', {}],
  ])('%s', (name, expected) => {
    const usage = readUsage([capture(name)]);
    expect(usage).toMatchObject(expected);
    expect(usage!.completionTokens).toBeGreaterThan(0);
  });

  test('is found when it is cut over two parts', () => {
    const bytes = capture('chat_nonstream_1');
    const cut = bytes.indexOf('prompt_tokens') + 4;
    expect(readUsage([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(readUsage([bytes]));
  });

  test('is absent from a stream that was not asked for it', () => {
    expect(readUsage([capture('chat_stream')])).toBeUndefined();
  });
});
