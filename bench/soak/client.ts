import { setTimeout as delay } from 'node:timers/promises';

/**
 * What a client saw. `cut-stream` is a stream that broke without a word of why; `cut-body` an answer that is no stream and
 * is shorter than announced, which can be told by nothing but its end; `late` one that it gave up.
 */
export type SoakOutcome =
  | 'whole'
  | 'left'
  | 'refused-garbage'
  | 'error-event'
  | 'cut-stream'
  | 'cut-body'
  | 'late'
  | `status-${number}`;

const patienceMs = 60_000;

/** Sends one request of a random kind and reads its answer to the end. Never rejects. */
export async function sendOne(url: string): Promise<SoakOutcome> {
  const kind = Math.random();
  const words = 'soak '.repeat(Math.floor(Math.random() * 4_000));
  const stream = Math.random() < 0.7;
  const path = Math.random() < 0.5 ? '/v1/chat/completions' : '/v1/completions';
  const prompt = path.includes('chat') ? { messages: [{ role: 'user', content: words }] } : { prompt: `x${words}` };
  const body = JSON.stringify({ ...prompt, stream, max_tokens: 1 + Math.floor(Math.random() * 100), ignore_eos: true });
  const leave = new AbortController();
  const isLeaving = kind < 0.15;
  if (isLeaving) void delay(Math.random() * 500).then(() => leave.abort());
  try {
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: kind > 0.95 ? body.slice(0, -5) : body,
      signal: AbortSignal.any([leave.signal, AbortSignal.timeout(patienceMs)]),
    });
    const text = await response.text();
    if (response.status === 400 && kind > 0.95) return 'refused-garbage';
    if (response.status !== 200) return `status-${response.status}`;
    if (!stream) return 'whole';
    if (text.includes('"error":')) return 'error-event';
    return text.endsWith('data: [DONE]\n\n') ? 'whole' : 'cut-stream';
  } catch (error) {
    if (isLeaving) return 'left';
    if ((error as Error).name === 'TimeoutError') return 'late';
    return stream ? 'cut-stream' : 'cut-body';
  }
}
