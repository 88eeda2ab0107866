import { type Document, isNode, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { type KeyEntry, keyIdPattern, keyPattern, scopes, sha256Of } from './api-key.ts';
import { KeyMistakes } from './key-mistakes.ts';

const positive = z.number('expected a number above 0').positive('expected a number above 0');

const entrySchema = z.strictObject({
  id: z.string().regex(keyIdPattern, '1 to 100 letters, digits, "_", ".", "@" and "-"'),
  key: z
    .string('expected text; put quotes around digits')
    .regex(keyPattern, 'printable ASCII without spaces')
    .optional(),
  sha256: z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/, 'expected 64 hexadecimal digits')
    .optional(),
  scopes: z.array(z.enum(scopes)).min(1).default(['inference']),
  limits: z
    .strictObject({
      concurrentRequests: z.int('expected a whole number above 0').min(1).optional(),
      requestsPerMinute: positive.optional(),
      uncachedTokensPerMinute: positive.optional(),
    })
    .default({}),
});
const fileSchema = z.array(entrySchema, 'expected a list of keys').min(1, 'expected at least one key');

/**
 * Parses a list of `{id, key | sha256, scopes, limits}` in YAML or JSON.
 * @param source the file's name, for messages
 * @throws KeyMistakes with every mistake, by line and field; the values of the file are not in it
 */
export function parseKeyFile(source: string, text: string): KeyEntry[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  // Messages of the parser quote the text, which holds keys; its codes do not.
  const syntax = document.errors.map(({ code, pos }) => `line ${lines.linePos(pos[0]).line}: not valid YAML (${code})`);
  if (syntax.length > 0) throw new KeyMistakes(source, syntax);
  const raw = toPlain(document, source);
  const result = fileSchema.safeParse(raw);
  const where = (path: readonly PropertyKey[]) => describePath(path, document, lines);
  const mistakes = [
    ...(result.error?.issues ?? []).map((issue) => describeIssue(issue, where)),
    ...crossMistakes(raw, where),
  ];
  if (!result.success || mistakes.length > 0) throw new KeyMistakes(source, mistakes);
  return result.data.map(({ id, key, sha256, ...rest }) => ({
    keyId: id,
    sha256: key === undefined ? sha256!.toLowerCase() : sha256Of(key),
    ...rest,
  }));
}

function toPlain(document: Document, source: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    throw new KeyMistakes(source, ['an alias (*name) does not resolve']);
  }
}

type Where = (path: readonly PropertyKey[]) => string;

function describeIssue(issue: z.core.$ZodIssue, where: Where): string {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${where([...issue.path, key])}: there is no such field`).join('; ');
  }
  return `${where(issue.path)}: ${issue.message}`;
}

/** What no single field shows: a key given twice or not at all, ids and keys that stand for two. */
function crossMistakes(raw: unknown, where: Where): string[] {
  if (!Array.isArray(raw)) return [];
  const mistakes: string[] = [];
  const firstById = new Map<string, number>();
  const firstByDigest = new Map<string, number>();
  for (const [index, entry] of (raw as unknown[]).entries()) {
    if (typeof entry !== 'object' || entry === null) continue;
    const { id, key, sha256 } = entry as Record<string, unknown>;
    if ((key === undefined) === (sha256 === undefined)) {
      mistakes.push(`${where([index])}: give either key or sha256`);
    }
    const digest =
      typeof key === 'string' ? sha256Of(key) : typeof sha256 === 'string' ? sha256.toLowerCase() : undefined;
    const sameId = noteFirst(firstById, typeof id === 'string' ? id : undefined, index);
    const sameKey = noteFirst(firstByDigest, digest, index);
    if (sameId !== undefined) mistakes.push(`${where([index, 'id'])}: the id of [${sameId}] as well`);
    if (sameKey !== undefined) mistakes.push(`${where([index])}: the key of [${sameKey}] as well`);
  }
  return mistakes;
}

/** @returns the index under which `value` was seen before */
function noteFirst(seen: Map<string, number>, value: string | undefined, index: number): number | undefined {
  if (value === undefined) return undefined;
  const first = seen.get(value);
  if (first === undefined) seen.set(value, index);
  return first;
}

function describePath(path: readonly PropertyKey[], document: Document, lines: LineCounter): string {
  const node = document.getIn(path, true);
  const line = isNode(node) && node.range ? `line ${lines.linePos(node.range[0]).line}` : '';
  const name = path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${String(part)}`))
    .join('');
  return [line, name].filter(Boolean).join(', ') || 'the file';
}
