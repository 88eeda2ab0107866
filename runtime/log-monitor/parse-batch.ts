import { parsePrefix } from '../shared/engine-log/parse-prefix.ts';
import { readFieldValue } from './batch-fields.ts';
import type { BatchEvent } from './log-event.ts';

/**
 * Head of a batch message over the versions: `batch. ` until 0.5.3, `batch(mixed #running-req: N). ` 0.2.13 to 0.3.5,
 * `batch, ` or `batch [iter], ` since 0.5.4.
 */
const headPattern = /(Prefill|Decode) batch(?:\s*\[(\d+)\])?(?:\(mixed #running-req: (\d+)\))?\s*[.,]/y;

/**
 * Reads the last batch message of a line without escape codes. Undefined when there is none with at least one known
 * field. Every field is optional: lines get cut by terminals, and a value that does not end where it should is not taken.
 */
export function parseBatch(line: string): BatchEvent | undefined {
  const head = findLastHead(line);
  if (head === undefined) return undefined;
  const fields: Record<string, number | boolean | string> = {};
  const unknownFields: Record<string, string> = {};
  if (head.mixedRunning !== undefined) fields['mixed #running-req'] = Number(head.mixedRunning);
  readFields(line, head.end, fields, unknownFields);
  if (isEmpty(fields)) return undefined;
  const { time, rank } = parsePrefix(line, head.start);
  return {
    kind: head.kind,
    time,
    rank,
    fields,
    ...(head.iteration !== undefined && { iteration: Number(head.iteration) }),
    ...(!isEmpty(unknownFields) && { unknownFields }),
  };
}

interface Head {
  readonly kind: 'prefill' | 'decode';
  readonly start: number;
  readonly end: number;
  readonly iteration: string | undefined;
  readonly mixedRunning: string | undefined;
}

function findLastHead(line: string): Head | undefined {
  for (let at = line.lastIndexOf(' batch'); at > 0; at = line.lastIndexOf(' batch', at - 1)) {
    const start = line.startsWith('Prefill', at - 7) ? at - 7 : line.startsWith('Decode', at - 6) ? at - 6 : -1;
    if (start < 0) continue;
    headPattern.lastIndex = start;
    const match = headPattern.exec(line);
    if (match === null) continue;
    const kind = match[1] === 'Prefill' ? 'prefill' : 'decode';
    return { kind, start, end: headPattern.lastIndex, iteration: match[2], mixedRunning: match[3] };
  }
  return undefined;
}

/** Splits `name: value, name: value` from `from` to the end of the line, with or without a trailing separator. */
function readFields(
  line: string,
  from: number,
  fields: Record<string, number | boolean | string>,
  unknownFields: Record<string, string>,
): void {
  for (let start = from; start < line.length; ) {
    let end = line.indexOf(',', start);
    if (end < 0) end = line.length;
    const colon = line.indexOf(':', start);
    if (colon > start && colon < end) {
      const name = line.slice(start, colon).trim();
      const text = line.slice(colon + 1, end).trim();
      const value = readFieldValue(name, text);
      if (value !== undefined) fields[name] = value;
      else if (text !== '') unknownFields[name] = text;
    }
    start = end + 1;
  }
}

function isEmpty(record: object): boolean {
  for (const _ in record) return false;
  return true;
}
