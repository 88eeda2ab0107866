import type { JsonObject } from './json-body.ts';
import type { Finding } from './validation-error.ts';
import { ValidationError } from './validation-error.ts';

export type FieldType = 'int' | 'float' | 'bool' | 'str' | 'list' | 'dict';

export interface FieldCheck {
  readonly name: string;
  readonly type: FieldType;
  /** @default true: `null` counts as absent */
  readonly nullable?: boolean;
}

/** Throws ValidationError with one finding for each field of the wrong type and each required one that is absent. */
export function checkFields(body: JsonObject, fields: readonly FieldCheck[], required: readonly string[] = []): void {
  const findings: Finding[] = required
    .filter((name) => !(name in body))
    .map((name) => ({ type: 'missing', loc: ['body', name], msg: 'Field required', input: body }));
  for (const { name, type, nullable = true } of fields) {
    const input = body[name];
    if (input === undefined || (input === null && nullable)) continue;
    const complaint = complaintAbout(input, type);
    if (complaint !== undefined) findings.push({ type: complaint[0], loc: ['body', name], msg: complaint[1], input });
  }
  if (findings.length > 0) throw new ValidationError(findings);
}

type Complaint = readonly [type: string, message: string];

/** What pydantic 2 says in its lax mode, undefined when the value fits. */
function complaintAbout(input: unknown, type: FieldType): Complaint | undefined {
  switch (type) {
    case 'int':
      return intComplaint(input);
    case 'float':
      return floatComplaint(input);
    case 'bool':
      return typeof input === 'boolean' || input === 0 || input === 1
        ? undefined
        : typeof input === 'string'
          ? ['bool_parsing', 'Input should be a valid boolean, unable to interpret input']
          : ['bool_type', 'Input should be a valid boolean'];
    case 'str':
      return typeof input === 'string' ? undefined : ['string_type', 'Input should be a valid string'];
    case 'list':
      return Array.isArray(input) ? undefined : ['list_type', 'Input should be a valid list'];
    case 'dict':
      return typeof input === 'object' && input !== null && !Array.isArray(input)
        ? undefined
        : ['dict_type', 'Input should be a valid dictionary'];
  }
}

function intComplaint(input: unknown): Complaint | undefined {
  if (typeof input === 'boolean') return undefined;
  if (typeof input === 'number') {
    return Number.isInteger(input)
      ? undefined
      : ['int_from_float', 'Input should be a valid integer, got a number with a fractional part'];
  }
  if (typeof input !== 'string') return ['int_type', 'Input should be a valid integer'];
  return /^\s*[+-]?\d+\s*$/.test(input)
    ? undefined
    : ['int_parsing', 'Input should be a valid integer, unable to parse string as an integer'];
}

function floatComplaint(input: unknown): Complaint | undefined {
  if (typeof input === 'number' || typeof input === 'boolean') return undefined;
  if (typeof input !== 'string') return ['float_type', 'Input should be a valid number'];
  return input.trim() !== '' && Number.isFinite(Number(input))
    ? undefined
    : ['float_parsing', 'Input should be a valid number, unable to parse string as a number'];
}

/** The number in a checked field; pydantic takes digits in a string as well. */
export function numberField(body: JsonObject, name: string): number | undefined {
  const value = body[name];
  return value === undefined || value === null ? undefined : Number(value);
}

export function textField(body: JsonObject, name: string): string | undefined {
  const value = body[name];
  return typeof value === 'string' ? value : undefined;
}

export function isSet(body: JsonObject, name: string): boolean {
  return body[name] === true || body[name] === 1;
}
