import fc from 'fast-check';
import { type RadixNode, RadixTree } from '../../../runtime/engine-sim/core/radix-tree.ts';

/** Few different tokens, so that sequences share prefixes and part in the middle of nodes. */
const sequence = fc.array(fc.nat(2), { minLength: 1, maxLength: 12 }).map((tokens) => Int32Array.from(tokens));
const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('insert' as const), tokens: sequence }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pin' as const), tokens: sequence }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('unpin' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('evict' as const) }) },
);

/** The tree as the plainest thing with the same meaning: every prefix as a text, and when each was last let go of. */
class NaivePrefixSet {
  readonly prefixes = new Map<string, number>();
  readonly pinned: { readonly node: RadixNode; readonly tokens: Int32Array }[] = [];
  #clock = 0;

  add(tokens: Int32Array): void {
    for (const prefix of prefixesOf(tokens)) if (!this.prefixes.has(prefix)) this.prefixes.set(prefix, 0);
  }

  use(tokens: Int32Array): void {
    this.#clock++;
    for (const prefix of prefixesOf(tokens)) this.prefixes.set(prefix, this.#clock);
  }

  matched(tokens: Int32Array): number {
    return prefixesOf(tokens).filter((prefix) => this.prefixes.has(prefix)).length;
  }

  pinnedPrefixes(): Set<string> {
    return new Set(this.pinned.flatMap(({ tokens }) => prefixesOf(tokens)));
  }
}

test('the tree finds, counts and evicts as a plain set of prefixes does', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), fc.array(sequence, { maxLength: 5 }), (actions, probes) => {
      const tree = new RadixTree();
      const naive = new NaivePrefixSet();
      for (const step of actions) {
        if (step.do === 'insert') insert(tree, naive, step.tokens);
        else if (step.do === 'pin') pin(tree, naive, step.tokens);
        else if (step.do === 'unpin') unpin(tree, naive, step.which);
        else evictOneLeaf(tree, naive);
        expect(tree.totalTokens).toBe(naive.prefixes.size);
        expect(tree.evictableTokens).toBe(naive.prefixes.size - naive.pinnedPrefixes().size);
        expect(new Set(leavesAndNodes(tree.root).flatMap(({ path }) => prefixesOf(Int32Array.from(path))))).toEqual(
          new Set(naive.prefixes.keys()),
        );
      }
      for (const probe of probes) expect(tree.matchedTokens(probe, probe.length)).toBe(naive.matched(probe));
    }),
    { numRuns: 300 },
  );
});

function insert(tree: RadixTree, naive: NaivePrefixSet, tokens: Int32Array): void {
  const start = tree.pinPath(tokens, 0);
  const node = tree.extendPin(start, tokens, tokens.length);
  expect(node.depthTokens).toBe(tokens.length);
  naive.add(tokens);
  naive.pinned.push({ node, tokens });
}

function pin(tree: RadixTree, naive: NaivePrefixSet, tokens: Int32Array): void {
  const length = tree.matchedTokens(tokens, tokens.length);
  expect(length).toBe(naive.matched(tokens));
  const node = tree.pinPath(tokens, length);
  expect(node.depthTokens).toBe(length);
  naive.pinned.push({ node, tokens: tokens.subarray(0, length) });
}

function unpin(tree: RadixTree, naive: NaivePrefixSet, which: number): void {
  if (naive.pinned.length === 0) return;
  const [released] = naive.pinned.splice(which % naive.pinned.length, 1);
  tree.unpin(released!.node);
  naive.use(released!.tokens);
}

/** The leaf that goes must be unpinned and the one whose end was let go of longest ago. */
function evictOneLeaf(tree: RadixTree, naive: NaivePrefixSet): void {
  const before = leavesAndNodes(tree.root);
  const evicted = tree.evict(1);
  const left = new Set(leavesAndNodes(tree.root).map(({ path }) => path.join()));
  const gone = before.filter(({ path }) => !left.has(path.join()));
  const candidates = before.filter(({ node, isLeaf }) => isLeaf && node.pins === 0);
  expect(gone).toHaveLength(Math.min(1, candidates.length));
  for (const { path, node } of gone) {
    const lastUse = (of: readonly number[]) => naive.prefixes.get(of.join())!;
    expect(lastUse(path)).toBe(Math.min(...candidates.map((candidate) => lastUse(candidate.path))));
    expect(evicted).toBe(node.tokens.length);
    for (let length = path.length; length > path.length - evicted; length--) {
      naive.prefixes.delete(path.slice(0, length).join());
    }
  }
}

function leavesAndNodes(node: RadixNode, before: readonly number[] = []): PlacedNode[] {
  const path = [...before, ...node.tokens];
  const below = [...node.children.values()].flatMap((child) => leavesAndNodes(child, path));
  return node.parent ? [{ node, path, isLeaf: node.children.size === 0 }, ...below] : below;
}

interface PlacedNode {
  readonly node: RadixNode;
  readonly path: readonly number[];
  readonly isLeaf: boolean;
}

function prefixesOf(tokens: Int32Array): string[] {
  return Array.from(tokens, (_, index) => tokens.subarray(0, index + 1).join());
}
