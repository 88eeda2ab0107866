import fc from 'fast-check';
import { blockBytes, hashPromptBlocks } from '../../../runtime/router/policy/prompt-blocks.ts';

const chain = (text: string) => hashPromptBlocks(Buffer.from(text), 0, Buffer.byteLength(text));

describe('block hashes of a prompt', () => {
  test('only whole blocks have an entry', () => {
    expect(chain('x'.repeat(blockBytes - 1))).toEqual([]);
    expect(chain('x'.repeat(3 * blockBytes + 5))).toHaveLength(3);
  });

  test('do not depend on where in the body the prompt stands', () => {
    const text = 'abcdefg'.repeat(1_000);
    const moved = Buffer.from(`12345${text}`);
    expect(hashPromptBlocks(moved, 5, moved.length)).toEqual(chain(text));
  });

  test('two prompts share exactly the entries of their common whole blocks', () => {
    fc.assert(
      fc.property(fc.nat(4 * blockBytes), fc.integer({ min: 1, max: 3 * blockBytes }), (common, rest) => {
        const shared = Buffer.alloc(common, 'p');
        const a = Buffer.concat([shared, Buffer.alloc(rest, 'a')]);
        const b = Buffer.concat([shared, Buffer.alloc(rest, 'b')]);
        const [first, second] = [hashPromptBlocks(a, 0, a.length), hashPromptBlocks(b, 0, b.length)];
        const equal = first.filter((hash, i) => hash === second[i]).length;
        expect(equal).toBe(Math.floor(common / blockBytes));
      }),
    );
  });
});
