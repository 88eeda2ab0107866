import { z } from 'zod';

/** What a schema is, without what may be left out, has a default, or is checked further. */
export type SchemaNode =
  | { readonly kind: 'section'; readonly fields: Readonly<Record<string, z.ZodType>> }
  /** A list of sections; a list of plain values is a value. */
  | { readonly kind: 'list'; readonly element: z.ZodType }
  | { readonly kind: 'value' };

export interface ConfigField {
  /** Keys from the root, with `[]` for any element of a list: `workers[].purchase.onDemandBase`. */
  readonly path: string;
  readonly description: string | undefined;
}

export function nodeOf(schema: z.ZodType): SchemaNode {
  const bare = unwrap(schema);
  if (bare instanceof z.ZodObject) return { kind: 'section', fields: bare.shape as Record<string, z.ZodType> };
  if (bare instanceof z.ZodArray && unwrap(bare.element as z.ZodType) instanceof z.ZodObject) {
    return { kind: 'list', element: bare.element as z.ZodType };
  }
  return { kind: 'value' };
}

/** What `describe` said of a schema or, when it is wrapped, of what it wraps. */
export function descriptionOf(schema: z.ZodType): string | undefined {
  const inner = wrapped(schema);
  return schema.description ?? (inner && descriptionOf(inner));
}

/** Every field of a config: its values, not the sections that hold them. */
export function configFields(schema: z.ZodType, path = ''): ConfigField[] {
  const node = nodeOf(schema);
  if (node.kind === 'list') return configFields(node.element, `${path}[]`);
  if (node.kind === 'value') return [{ path, description: descriptionOf(schema) }];
  return Object.entries(node.fields).flatMap(([key, field]) => configFields(field, path ? `${path}.${key}` : key));
}

function unwrap(schema: z.ZodType): z.ZodType {
  const inner = wrapped(schema);
  return inner === undefined ? schema : unwrap(inner);
}

function wrapped(schema: z.ZodType): z.ZodType | undefined {
  const isWrapper =
    schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault;
  return isWrapper ? (schema.unwrap() as z.ZodType) : undefined;
}
