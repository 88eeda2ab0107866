import fc from 'fast-check';
import { bytesPerToken } from '../../runtime/cli/replay/block-text.ts';
import { PromptWriter } from '../../runtime/cli/replay/prompt.ts';
import { bodyFrame, replayApis } from '../../runtime/cli/replay/request-body.ts';
import { blockTokens } from '../../runtime/cli/replay/trace.ts';

const blockBytes = blockTokens * bytesPerToken;
const none = Buffer.alloc(0);
/** Small ids, which prompts share by chance, and large ones. */
const blockId = fc.oneof(fc.nat(5), fc.maxSafeNat());
const prompt = fc
  .tuple(fc.array(blockId, { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: blockTokens }))
  .map(([blockIds, lastTokens]) => ({ blockIds, inputTokens: (blockIds.length - 1) * blockTokens + lastTokens }));
type Prompt = { readonly blockIds: readonly number[]; readonly inputTokens: number };

const textOf = (request: Prompt, seed = 0) => new PromptWriter(seed).wrap(request, none, none);

test('a prompt has exactly its length in words of a space and three lowercase letters', () => {
  fc.assert(
    fc.property(prompt, fc.nat(), (request, seed) => {
      const text = textOf(request, seed).toString();
      expect(text).toMatch(/^(?: [a-z]{3})+$/);
      expect(text.length).toBe(request.inputTokens * bytesPerToken);
    }),
    { numRuns: 50 },
  );
});

test('two prompts share a block of text if and only if they share its id', () => {
  fc.assert(
    fc.property(prompt, prompt, (one, other) => {
      const [a, b] = [textOf(one), textOf(other)];
      const wholeBlocks = Math.floor(Math.min(one.inputTokens, other.inputTokens) / blockTokens);
      for (let block = 0; block < wholeBlocks; block++) {
        const range = [block * blockBytes, (block + 1) * blockBytes] as const;
        expect(a.subarray(...range).equals(b.subarray(...range))).toBe(one.blockIds[block] === other.blockIds[block]);
      }
    }),
  );
});

test('the cut last block is the beginning of the whole one', () => {
  const whole = textOf({ blockIds: [7, 8], inputTokens: 1_024 });
  const cut = textOf({ blockIds: [7, 8], inputTokens: 600 });
  expect(cut.equals(whole.subarray(0, 600 * bytesPerToken))).toBe(true);
});

test('every seed has its own text, the same in every run', () => {
  const request = { blockIds: [1], inputTokens: 4 };
  expect(textOf(request, 0).toString()).toBe(' fuk vrn fxu box');
  expect(textOf(request, 1).toString()).not.toBe(textOf(request, 0).toString());
  expect(textOf(request, 0).equals(textOf(request, 0))).toBe(true);
});

test('text is the same after it left the cache and was made again', () => {
  const writer = new PromptWriter();
  const first = writer.wrap({ blockIds: [0], inputTokens: 512 }, none, none);
  const many = Array.from({ length: 17_000 }, (_, index) => index + 1);
  writer.wrap({ blockIds: many, inputTokens: many.length * blockTokens }, none, none);
  expect(writer.wrap({ blockIds: [0], inputTokens: 512 }, none, none).equals(first)).toBe(true);
});

test('too few ids are refused instead of sending whatever the memory held', () => {
  expect(() => textOf({ blockIds: [1], inputTokens: 513 })).toThrow('1 block ids are too few for 513 tokens');
});

test.each(replayApis)('a %s body is JSON that streams, reports usage and fixes the answer length', (api) => {
  const { head, tail } = bodyFrame(api, 'a "quoted" model', 42);
  const request = { blockIds: [5], inputTokens: 2 };
  const body = JSON.parse(new PromptWriter().wrap(request, head, tail).toString());
  const text = textOf(request).toString();
  expect(body.stream).toBe(true);
  if (api === 'generate') {
    expect(body).toMatchObject({ text, sampling_params: { max_new_tokens: 42, ignore_eos: true } });
    return;
  }
  expect(body).toMatchObject({ model: 'a "quoted" model', max_tokens: 42, ignore_eos: true });
  expect(body.stream_options).toEqual({ include_usage: true });
  expect(api === 'chat' ? body.messages : body.prompt).toEqual(
    api === 'chat' ? [{ role: 'user', content: text }] : text,
  );
});
