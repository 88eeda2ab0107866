import { CodedError } from '../../shared/errors.ts';
import { NativeDialect } from '../generation/native-dialect.ts';
import { runGeneration } from '../generation/run-generation.ts';
import type { Exchange } from '../http/exchange.ts';
import { nativeStreamError } from '../http/failure.ts';
import { randomId } from '../http/random-id.ts';
import { parseNativeRequest } from '../requests/native-request.ts';
import type { ServerState } from '../server-state.ts';
import { isSet } from '../validation/field-checks.ts';
import type { JsonObject } from '../validation/json-body.ts';
import { newSequence } from './new-sequence.ts';
import { readJson } from './request-body.ts';

/** POST or PUT /generate */
export async function generate(exchange: Exchange, server: ServerState): Promise<void> {
  const body = await readJson(exchange);
  const stream = isSet(body, 'stream');
  try {
    start(exchange, server, body, stream);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    server.log.line(`[http_server] Error: ${error.message}`);
    if (!stream) throw error;
    // A stream has its 200 before anything is checked.
    exchange.startStream('text/event-stream; charset=utf-8');
    exchange.write(nativeStreamError(error));
    exchange.end();
  }
}

function start(exchange: Exchange, server: ServerState, body: JsonObject, stream: boolean): void {
  const request = parseNativeRequest(body);
  const { prompts, choices, isBatch, sessionId } = request;
  const sessionParameters = body['session_params'] as JsonObject;
  const sequences = prompts.flatMap((prompt, i) => {
    const whole = sessionId === undefined ? prompt : server.sessions.extend(sessionParameters, prompt);
    return Array.from({ length: choices }, () => {
      const rid = choices > 1 ? randomId() : (request.rids?.[i] ?? randomId());
      return newSequence(server, rid, whole, request.samplings[i]!);
    });
  });
  const dialect = new NativeDialect(sequences, {
    isIncremental: server.options.incrementalStreamingOutput,
    isBatch: isBatch || choices > 1,
    metaInfo: { toUnixSeconds: server.toUnixSeconds, hasLogprobs: request.hasLogprobs, isStream: stream },
  });
  const plan = { sequences, stream, needsWarmUp: choices > 1, dialect, logsDisconnect: true };
  runGeneration(exchange, server, plan, 'native', () => {
    if (sessionId === undefined) return;
    for (const { rid, spec, outputIds } of sequences) {
      server.sessions.record(sessionId, rid, { prompt: spec.prompt, outputIds });
    }
  });
}
