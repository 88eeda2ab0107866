import { exchangeRaw, parseRawResponse, RawConnection, type RawResponse } from '../support/raw-http.ts';
import { capturedRequest } from './captures.ts';

/** The order in which the captures were made, from the first byte to the last; what runs side by side comes after. */
const inOrder = [
  ...['get_root', 'get_ping', 'get_health', 'get_health_generate', 'get_v1_models', 'get_v1_models_one'],
  ...['get_v1_models_unknown', 'get_model_info', 'get_model_info_old', 'get_server_info', 'get_server_info_old'],
  ...['get_load_old', 'get_v1_loads_idle', 'get_v1_loads_core', 'get_v1_loads_prom', 'get_v1_loads_bad_include'],
  ...['get_metrics_before', 'get_weight_version', 'get_not_found', 'get_openapi', 'head_root', 'options_cors'],
  ...['method_not_allowed', 'flush_cache', 'chat_nonstream_1', 'chat_nonstream_2_same_prefix', 'chat_stream'],
  ...['chat_stream_usage', 'chat_stream_continuous_usage', 'chat_rid_priority_header', 'chat_rid_stream'],
  ...['chat_n2_stream', 'chat_logprobs', 'chat_return_token_ids', 'chat_return_token_ids_stream'],
  ...['chat_return_meta_info', 'chat_continue_final_true', 'chat_continue_final_false', 'chat_continue_both_true'],
  ...['chat_continue_final_true_stream', 'chat_stop_str', 'chat_stop_eos', 'completions', 'completions_stream'],
  ...['completions_token_ids', 'completions_batch', 'generate', 'generate_stream', 'generate_stream_logprob'],
  ...['generate_input_ids', 'generate_batch', 'tokenize', 'v1_tokenize', 'detokenize', 'embeddings_unsupported'],
  ...['responses', 'messages_anthropic', 'messages_anthropic_stream', 'messages_count_tokens', 'ollama_chat'],
  ...['ollama_tags', 'err_bad_json', 'err_bad_json_generate', 'err_wrong_content_type', 'err_no_messages'],
  ...['err_empty_messages', 'err_unknown_model', 'err_wrong_type', 'err_context_too_long_chat'],
  ...['err_context_too_long_chat_stream', 'err_context_too_long_generate', 'err_context_too_long_generate_stream'],
  ...['err_max_tokens_too_big', 'err_bad_sampling', 'err_bad_top_p', 'err_bad_stop_generate_stream', 'err_lora'],
  ...['err_json_schema_no_grammar', 'err_image', 'err_tool_role_bad', 'err_priority', 'err_dup_rid_prep'],
  ...['err_routed_dp_rank', 'err_data_parallel_rank', 'open_session', 'session_generate_1', 'session_generate_2'],
  ...['session_unknown', 'session_chat', 'close_session', 'close_session_again', 'open_session_named'],
  ...['open_session_dup', 'close_session_named'],
] as const;

/** A generation under way, and the request that ends it. */
const aborts: readonly (readonly [running: string, abort: string])[] = [
  ['aborted_chat_stream', 'abort_request'],
  ['aborted_chat_nonstream', 'abort_request_2'],
  ['aborted_generate_stream', 'abort_request_3'],
  ['aborted_all_stream', 'abort_all'],
];

/** Asked while six generations run. */
const busyScenarios = ['get_v1_loads_busy', 'get_load_busy_old', 'get_metrics_busy', 'get_health_busy'] as const;
const afterwards = ['get_server_info_after', 'get_metrics_after'] as const;

export interface ReplayTarget {
  readonly port: number;
  /** Resolves when that many sequences run. */
  untilRunning(count: number): Promise<void>;
  /** Starts that many long chats, waits until they run, and gives a function that waits for their ends. */
  startBusy(count: number): Promise<() => Promise<void>>;
}

/** Sends every captured request, unchanged but for session ids, in the captured order. */
export async function replayScenarios(target: ReplayTarget): Promise<Map<string, RawResponse>> {
  const responses = new Map<string, RawResponse>();
  let sessionId: string | undefined;
  const send = async (name: string) => {
    const response = await exchangeRaw(target.port, withSessionId(capturedRequest(name), sessionId));
    responses.set(name, response);
    if (name === 'open_session') sessionId = JSON.parse(response.body);
  };
  for (const name of inOrder) await send(name);
  for (const [running, abort] of aborts) {
    if (abort === 'abort_all') await send('abort_unknown');
    const connection = new RawConnection(target.port);
    connection.send(capturedRequest(running));
    await target.untilRunning(1);
    if (!running.includes('nonstream')) await connection.until((text) => text.split('data: ').length > 4);
    await send(abort);
    responses.set(running, parseRawResponse(await connection.untilEnd()));
    connection.destroy();
  }
  const untilIdle = await target.startBusy(6);
  for (const name of busyScenarios) await send(name);
  await untilIdle();
  for (const name of afterwards) await send(name);
  return responses;
}

const capturedSessionId = 'dcff1ad096a64faa981a142e3fde4b59';

function withSessionId(request: Buffer, sessionId: string | undefined): Buffer {
  if (sessionId === undefined) return request;
  return Buffer.from(request.toString('latin1').replaceAll(capturedSessionId, sessionId), 'latin1');
}
