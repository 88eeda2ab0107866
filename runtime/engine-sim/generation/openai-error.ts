import { formatEvent } from '../../shared/sse.ts';
import type { Sequence } from './sequence.ts';

/** The flat error body of the OpenAI routes. `type` is an HTTP status name or number, depending on where it arose. */
export function openAiError(status: number, type: string, message: string) {
  return { object: 'error', message, type, param: null, code: status };
}

/** The error event inside an HTTP 200 with which SGLang tells a stream that its request was refused. */
export function streamedError(sequence: Sequence): string {
  const end = sequence.end;
  const message = end?.type === 'abort' ? end.message : 'Generation aborted.';
  return formatEvent(JSON.stringify({ error: openAiError(503, 'SERVICE_UNAVAILABLE', message) }));
}
