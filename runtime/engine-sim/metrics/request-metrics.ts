import type { Sequence } from '../generation/sequence.ts';
import { Counter, Histogram, type Labels } from './exposition.ts';

/** Bounds in seconds, SGLang's defaults. */
const firstTokenBounds = [0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4, 6, 8, 10, 20, 40, 60, 80, 100, 200, 400];
const endToEndBounds = [...firstTokenBounds, 600, 1200, 1800, 2400];
const interTokenBounds = [
  0.002, 0.004, 0.006, 0.008, 0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.04, 0.06, 0.08, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4,
  6, 8,
];

const outputIntervalTokens = 50;

/** The metrics of SGLang's HTTP process: one observation per finished request, in engine time. */
export class RequestMetrics {
  readonly #labels: Labels;
  readonly #firstToken = new Histogram(
    'sglang:time_to_first_token_seconds',
    'Histogram of time to first token in seconds.',
    firstTokenBounds,
  );
  readonly #endToEnd = new Histogram(
    'sglang:e2e_request_latency_seconds',
    'Histogram of End-to-end request latency in seconds',
    endToEndBounds,
  );
  readonly #interToken = new Histogram(
    'sglang:inter_token_latency_seconds',
    'Histogram of inter-token latency in seconds.',
    interTokenBounds,
  );
  readonly #promptTokens = new Counter('sglang:prompt_tokens_total', 'Number of prefill tokens processed.');
  readonly #generatedTokens = new Counter('sglang:generation_tokens_total', 'Number of generation tokens processed.');
  readonly #requests = new Counter('sglang:num_requests_total', 'Number of requests processed.');
  readonly #cachedTokens = new Counter(
    'sglang:cached_tokens_total',
    'Number of cached prompt tokens by source (device/host/storage).',
  );
  readonly #aborted = new Counter('sglang:num_aborted_requests_total', 'Number of requests aborted.');
  readonly #httpRequests = new Counter(
    'sglang:http_requests_total',
    'Total number of HTTP requests by endpoint and method',
  );
  readonly #httpResponses = new Counter(
    'sglang:http_responses_total',
    'Total number of HTTP responses by endpoint and status code',
  );

  constructor(modelName: string) {
    this.#labels = { engine_type: 'unified', model_name: modelName };
  }

  observeHttpRequest(endpoint: string, method: string): void {
    this.#httpRequests.add({ endpoint, method });
  }

  observeHttpResponse(endpoint: string, method: string, status: number): void {
    this.#httpResponses.add({ endpoint, method, status_code: String(status) });
  }

  observeFinished(sequence: Sequence, isStreaming: boolean): void {
    const labels = { ...this.#labels, is_streaming: String(isStreaming) };
    const { submittedAt, firstTokenAt, lastTokenAt, finishedAt = submittedAt } = sequence.times;
    this.#requests.add(labels);
    this.#endToEnd.observe(labels, (finishedAt - submittedAt) / 1_000);
    if (sequence.end?.type === 'abort') this.#aborted.add(this.#labels);
    if (firstTokenAt === undefined || lastTokenAt === undefined) return;
    this.#promptTokens.add(labels, sequence.promptTokens);
    this.#generatedTokens.add(labels, sequence.completionTokens);
    if (sequence.cachedTokens > 0) {
      this.#cachedTokens.add({ ...this.#labels, cache_source: 'device' }, sequence.cachedTokens);
    }
    this.#firstToken.observe(labels, (firstTokenAt - submittedAt) / 1_000);
    const gaps = sequence.completionTokens - 1;
    // Without streaming SGLang looks at a request's output every 50 tokens, so shorter answers show no gap.
    if (isStreaming || gaps >= outputIntervalTokens) {
      const meanSeconds = (lastTokenAt - firstTokenAt) / 1_000 / Math.max(1, gaps);
      if (gaps > 0) this.#interToken.observe(this.#labels, meanSeconds, gaps);
    }
  }

  render(): string {
    const families = [
      this.#firstToken,
      this.#endToEnd,
      this.#interToken,
      this.#httpRequests,
      this.#httpResponses,
      this.#promptTokens,
      this.#generatedTokens,
      this.#requests,
      this.#cachedTokens,
      this.#aborted,
    ];
    return families.map((family) => family.render()).join('');
  }
}
