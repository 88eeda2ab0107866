/** What a healthy SGLang says, as ready bytes: answers to probes, a small completion and the events of a stream. */

export const modelName = 'bench';

const load = {
  dp_rank: 0,
  num_running_reqs: 0,
  num_waiting_reqs: 0,
  num_used_tokens: 0,
  max_total_num_tokens: 1_000_000,
  token_usage: 0,
};
const modelInfo = {
  model_path: modelName,
  served_model_name: modelName,
  tokenizer_path: modelName,
  is_generation: true,
};

/** By path without query; everything else is a generation request. */
const probeAnswers: Readonly<Record<string, unknown>> = {
  '/health': {},
  '/health_generate': {},
  '/v1/models': {
    object: 'list',
    data: [{ id: modelName, object: 'model', owned_by: 'sglang', max_model_len: 131_072 }],
  },
  '/v1/loads': { version: '0.5.23', loads: [load] },
  '/get_load': [load],
  '/get_model_info': modelInfo,
  '/model_info': modelInfo,
  '/get_server_info': { ...modelInfo, version: '0.5.23', dp_size: 1, tp_size: 1 },
  '/server_info': { ...modelInfo, version: '0.5.23', dp_size: 1, tp_size: 1 },
  '/abort_request': {},
  '/generate': { text: '!', meta_info: { id: 'probe', finish_reason: { type: 'length' }, completion_tokens: 1 } },
};

const probes = new Map(
  Object.entries(probeAnswers).map(([path, value]) => [path, jsonAnswer(JSON.stringify(value))] as const),
);

/** The body of the answer to a probe, undefined for a generation request. */
export function probeAnswerJson(path: string): string | undefined {
  return path in probeAnswers ? JSON.stringify(probeAnswers[path]) : undefined;
}

/** The whole answer to a probe. @param line `METHOD target` */
export function probeAnswer(line: string): Buffer | undefined {
  const target = line.slice(line.indexOf(' ') + 1);
  const query = target.indexOf('?');
  return probes.get(query < 0 ? target : target.slice(0, query));
}

function jsonAnswer(body: string): Buffer {
  return Buffer.from(
    `HTTP/1.1 200 OK\r\ndate: Sun, 22 Nov 2026 02:44:58 GMT\r\nserver: uvicorn\r\ncontent-length: ${body.length}\r\n` +
      `content-type: application/json\r\n\r\n${body}`,
  );
}

const usage = {
  prompt_tokens: 70,
  total_tokens: 86,
  completion_tokens: 16,
  prompt_tokens_details: { cached_tokens: 0 },
  reasoning_tokens: 0,
};

export const completion = jsonAnswer(
  JSON.stringify({
    id: '116fdf6c4e134184b945e7dd87fa1354',
    object: 'chat.completion',
    created: 1_795_315_505,
    model: modelName,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: 'x'.repeat(64), reasoning_content: null, tool_calls: null },
        logprobs: null,
        finish_reason: 'length',
        matched_stop: null,
      },
    ],
    usage,
  }),
);

export const streamHead = Buffer.from(
  'HTTP/1.1 200 OK\r\ndate: Sun, 22 Nov 2026 02:45:06 GMT\r\nserver: uvicorn\r\n' +
    'content-type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n',
);

/** The id is where a stamped event carries its time. */
const chunkHead = (id: string) => ({ id, object: 'chat.completion.chunk', created: 1_795_315_507, model: modelName });

function eventText(id: string, content: string): string {
  const delta = { reasoning_content: null, content, tool_calls: null };
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: null, matched_stop: null }];
  return `data: ${JSON.stringify({ ...chunkHead(id), choices })}\n\n`;
}

function httpChunk(text: string): Buffer {
  return Buffer.from(`${text.length.toString(16)}\r\n${text}\r\n`);
}

/** About 250 bytes, as SGLang 0.5.23 sends for one token. */
export const event = httpChunk(eventText('4153cc9d2b6d476fa630755a5beb7758', ' stat'));

/** One large event, for streams whose size matters. */
export const largeEvent = httpChunk(eventText('4153cc9d2b6d476fa630755a5beb7758', 'x'.repeat(16_000)));

export const streamEnd = Buffer.concat([
  httpChunk(`data: ${JSON.stringify({ ...chunkHead('4153cc9d2b6d476fa630755a5beb7758'), choices: [], usage })}\n\n`),
  httpChunk('data: [DONE]\n\n'),
  Buffer.from('0\r\n\r\n'),
]);

const stampDigits = 16;
const stampMark = 'data: {"id":"t';

export function stampedEvent(nowMs: number): Buffer {
  const stamp = Math.round(nowMs * 1_000)
    .toString()
    .padStart(stampDigits, '0');
  return httpChunk(eventText(`t${stamp}`, ' stat'));
}

/** Times of the stamped events in these bytes; one that is cut by their end is left out. */
export function readStampsMs(bytes: Buffer): number[] {
  const stamps: number[] = [];
  for (let at = bytes.indexOf(stampMark); at >= 0; at = bytes.indexOf(stampMark, at + 1)) {
    const digits = bytes.toString('latin1', at + stampMark.length, at + stampMark.length + stampDigits);
    if (/^\d{16}$/.test(digits)) stamps.push(Number(digits) / 1_000);
  }
  return stamps;
}
