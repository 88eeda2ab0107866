/** The baseline: one expression finds the head, another one every `name: value` behind it. */
export function naiveParse(line: string): Record<string, string> | undefined {
  const head = /\[([^\]]*)\] (Prefill|Decode) batch[.,] /.exec(line);
  if (head === null) return undefined;
  const fields: Record<string, string> = { time: head[1]!, kind: head[2]! };
  for (const [, name, value] of line.slice(head.index + head[0].length).matchAll(/([^:,]+): ([^,]+)/g)) {
    fields[name!.trim()] = value!;
  }
  return fields;
}
