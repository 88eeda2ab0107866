import { CodedError } from '../../shared/errors.ts';
import { doneEvent, formatEvent } from '../../shared/sse.ts';
import { openAiError } from '../generation/openai-error.ts';
import { type RouteSource, ValidationError } from '../validation/validation-error.ts';
import type { Exchange } from './exchange.ts';

/** The families of error bodies that SGLang's routes use. */
export type ErrorStyle = 'openai' | 'native' | 'anthropic' | 'responses';

const anthropicTypes: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  404: 'not_found_error',
  503: 'overloaded_error',
};

/** Answers with what went wrong. Rethrows anything that is neither a coded nor a validation error. */
export function sendFailure(exchange: Exchange, style: ErrorStyle, error: unknown, source?: RouteSource): void {
  if (error instanceof ValidationError) {
    const message = error.describe(exchange.method, exchange.path, source);
    exchange.sendJson(400, failureBody(style === 'native' ? 'openai' : style, 400, 'Bad Request', message));
    return;
  }
  if (!(error instanceof CodedError)) throw error;
  const { status, spec } = error;
  // A refusal by the scheduler reaches the client through the framework, in the same shape on every native route.
  const effectiveStyle = style === 'native' && status === 503 ? 'openai' : style;
  exchange.sendJson(status, failureBody(effectiveStyle, status, spec.type, error.message));
}

function failureBody(style: ErrorStyle, status: number, type: string, message: string): unknown {
  switch (style) {
    case 'openai':
      return openAiError(status, type, message);
    case 'native':
      return { error: { message } };
    case 'responses':
      return { error: { message, type, param: null, code: status } };
    case 'anthropic': {
      const shown = status >= 500 ? 'Internal server error' : message;
      return { type: 'error', error: { type: anthropicTypes[status] ?? 'api_error', message: shown } };
    }
  }
}

/** A `/generate` stream tells even a wrong parameter inside an HTTP 200. */
export function nativeStreamError(error: CodedError): string {
  const { message, status: code } = error;
  return (
    formatEvent(JSON.stringify({ error: { message, type: 'invalid_request_error', code, retryable: false } })) +
    doneEvent
  );
}
