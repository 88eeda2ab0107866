import { type LruEntry, LruList } from './lru-list.ts';

/** One edge of the tree: a run of tokens that was computed together. */
export interface RadixNode extends LruEntry<RadixNode> {
  readonly parent: RadixNode | undefined;
  readonly tokens: Int32Array;
  /** By their first token. */
  readonly children: Map<number, RadixNode>;
  /** Tokens from the root to the end of this node. */
  readonly depthTokens: number;
  /** Requests whose prefix ends at this node or below it. */
  readonly pins: number;
}

type MutableNode = { -readonly [Key in keyof RadixNode]: RadixNode[Key] };

/**
 * The prefix cache as SGLang keeps it: a radix tree over token ids. Requests pin the path to the end of their prefix;
 * what nobody pins can be evicted, least recently used leaf first and each leaf whole (SGLang `RadixCache.evict`).
 *
 * Unpinned nodes stand in `#unpinned` with every child older than its parent, because a path is released from its end
 * to its root; so the oldest unpinned node is always a leaf. Letting go of a prefix counts as using it.
 */
export class RadixTree {
  #root: RadixNode = newRoot();
  readonly #unpinned = new LruList<RadixNode>();
  #totalTokens = 0;
  #pinnedTokens = 0;

  get root(): RadixNode {
    return this.#root;
  }

  get totalTokens(): number {
    return this.#totalTokens;
  }

  get evictableTokens(): number {
    return this.#totalTokens - this.#pinnedTokens;
  }

  /** How many of the first `limit` tokens are in the tree. `from` is a node known to be on their path. */
  matchedTokens(tokens: ArrayLike<number>, limit: number, from: RadixNode = this.#root): number {
    let node = from;
    while (node.depthTokens < limit) {
      const start = node.depthTokens;
      const child = node.children.get(tokens[start]!);
      if (!child) return start;
      const edge = child.tokens;
      const comparable = Math.min(edge.length, limit - start);
      let same = 1;
      while (same < comparable && edge[same] === tokens[start + same]) same++;
      if (same < edge.length) return start + same;
      node = child;
    }
    return Math.min(node.depthTokens, limit);
  }

  /** Pins the path of the first `length` tokens, all of which must be in the tree, and returns its last node. */
  pinPath(tokens: Int32Array, length: number, from: RadixNode = this.#root): RadixNode {
    let node = from;
    while (node.depthTokens < length) {
      const child: RadixNode = node.children.get(tokens[node.depthTokens]!)!;
      node = child.depthTokens > length ? this.#split(child, length) : child;
    }
    this.#pin(node);
    return node;
  }

  /**
   * Moves a pin from `from` down to the end of the first `length` tokens, adding what is not in the tree yet. The first
   * `length` tokens must not change any more: the tree may keep them without a copy.
   */
  extendPin(from: RadixNode, tokens: Int32Array, length: number): RadixNode {
    const matched = this.matchedTokens(tokens, length, from);
    const known = this.pinPath(tokens, matched, from);
    this.unpin(from);
    if (matched === length) return known;
    const leaf = newNode(known, kept(tokens, matched, length), 1);
    known.children.set(leaf.tokens[0]!, leaf);
    this.#totalTokens += leaf.tokens.length;
    this.#pinnedTokens += leaf.tokens.length;
    return leaf;
  }

  /** Lets go of a path: what nobody else pins becomes the most recently used part of what can be evicted. */
  unpin(node: RadixNode): void {
    for (let at: MutableNode | undefined = node; at?.parent; at = at.parent as MutableNode) {
      at.pins--;
      if (at.pins > 0) continue;
      this.#pinnedTokens -= at.tokens.length;
      this.#unpinned.append(at);
    }
  }

  /** Evicts whole leaves until at least `wantedTokens` are gone or nothing unpinned is left; returns how many went. */
  evict(wantedTokens: number): number {
    let evicted = 0;
    while (evicted < wantedTokens && this.#unpinned.oldest) {
      const leaf = this.#unpinned.oldest;
      this.#unpinned.remove(leaf);
      leaf.parent!.children.delete(leaf.tokens[0]!);
      evicted += leaf.tokens.length;
      this.#totalTokens -= leaf.tokens.length;
    }
    return evicted;
  }

  /** Forgets everything. No path may be pinned. */
  clear(): void {
    this.#root = newRoot();
    this.#unpinned.clear();
    this.#totalTokens = 0;
    this.#pinnedTokens = 0;
  }

  #pin(node: RadixNode): void {
    for (let at: MutableNode | undefined = node; at?.parent; at = at.parent as MutableNode) {
      at.pins++;
      if (at.pins > 1) continue;
      this.#pinnedTokens += at.tokens.length;
      this.#unpinned.remove(at);
    }
  }

  /**
   * Cuts `node` at `depthTokens`; the new upper part is returned, `node` stays the end of every path through it. Both
   * are views of the run that was one.
   */
  #split(node: RadixNode, depthTokens: number): RadixNode {
    const parent = node.parent!;
    const upperLength = depthTokens - parent.depthTokens;
    const upper = newNode(parent, node.tokens.subarray(0, upperLength), node.pins);
    const lower = node as MutableNode;
    lower.tokens = node.tokens.subarray(upperLength);
    lower.parent = upper;
    parent.children.set(upper.tokens[0]!, upper);
    upper.children.set(lower.tokens[0]!, node);
    if (upper.pins === 0) this.#unpinned.insertAfter(node, upper);
    return upper;
  }
}

/** A run out of a request's tokens: a view where it is most of them, so that a small run does not keep a large array alive. */
function kept(tokens: Int32Array, from: number, to: number): Int32Array {
  return 2 * (to - from) >= tokens.length ? tokens.subarray(from, to) : tokens.slice(from, to);
}

function newNode(parent: RadixNode, tokens: Int32Array, pins: number): RadixNode {
  return {
    parent,
    tokens,
    children: new Map(),
    depthTokens: parent.depthTokens + tokens.length,
    pins,
    older: undefined,
    newer: undefined,
  };
}

function newRoot(): RadixNode {
  return {
    parent: undefined,
    tokens: new Int32Array(0),
    children: new Map(),
    depthTokens: 0,
    pins: 0,
    older: undefined,
    newer: undefined,
  };
}
