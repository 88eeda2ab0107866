import { ValidationError } from './validation-error.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Parses a request body. Throws ValidationError with the parser's complaint and the byte at which it arose. */
export function parseJsonBody(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const { position, complaint } = describeSyntaxError(error as SyntaxError, text);
    throw new ValidationError([
      {
        type: 'json_invalid',
        loc: ['body', position],
        msg: 'JSON decode error',
        input: {},
        ctx: `{'error': '${complaint}'}`,
      },
    ]);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const msg = 'Input should be a valid dictionary or object to extract fields from';
    throw new ValidationError([{ type: 'model_attributes_type', loc: ['body'], msg, input: value }]);
  }
  return value as JsonObject;
}

/** V8 tells where it stopped except at the end of its input. */
function describeSyntaxError(error: SyntaxError, text: string): { position: number; complaint: string } {
  const at = error.message.match(/at position (\d+)/)?.[1];
  const isTruncated = at === undefined || Number(at) >= text.length;
  return isTruncated
    ? { position: Buffer.byteLength(text), complaint: 'unexpected end of data' }
    : { position: Number(at), complaint: 'unexpected character' };
}
