import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { bearerHeaders } from '../../shared/auth.ts';
import { findModel } from '../find-model.ts';
import { PromptWriter } from './prompt.ts';
import { apiPaths, bodyFrame, type ReplayApi } from './request-body.ts';
import { dueAtMs } from './schedule.ts';
import { replayAgent, type SendTarget, sendRequest } from './send.ts';
import { type MeasuredRequest, type ReplayReport, summarise } from './summary.ts';
import type { TraceRequest } from './trace.ts';

export interface ReplayOptions {
  /** Base URL of a router or of one engine, without a trailing slash. */
  readonly url: string;
  /** In order of arrival, at least one. */
  readonly requests: readonly TraceRequest[];
  /** @default 'chat' */
  readonly api?: ReplayApi;
  /** @default - the one model that the server offers */
  readonly model?: string;
  /** Arrivals come this many times more often than in the trace. @default 1 */
  readonly rateScale?: number;
  /** The engines run this many times faster than real time: arrivals follow, measured times are multiplied. @default 1 */
  readonly timeScale?: number;
  /** Cap on each answer's length. @default - the trace's own lengths */
  readonly maxOutputTokens?: number;
  /** Another seed gives other text with the same sharing. @default 0 */
  readonly seed?: number;
  /** Longest that one request may take, in engine seconds. @default 1800 */
  readonly timeoutSeconds?: number;
  /** Sent as a bearer token. */
  readonly apiKey?: string;
  /** Stops the replay: what was measured so far is reported, requests in flight are cancelled. */
  readonly signal?: AbortSignal;
  /** Called after each request that was sent and each answer. */
  readonly onProgress?: (progress: ReplayProgress) => void;
}

export interface ReplayProgress {
  readonly planned: number;
  readonly sent: number;
  readonly completed: number;
  readonly failed: number;
}

/**
 * Replays a trace open-loop and measures every answer. A request that fails is part of the report.
 * @throws UserError when the server cannot be reached or the model cannot be chosen; nothing was sent then
 */
export async function replayTrace(options: ReplayOptions): Promise<ReplayReport> {
  const { requests, api = 'chat', seed = 0, rateScale = 1, timeScale = 1 } = options;
  const model = await findModel(options);
  const url = new URL(options.url + apiPaths[api]);
  // Its own controller: the agent and the requests must end with this call, whatever happens in it.
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const onAbort = () => stop.abort();
  options.signal?.addEventListener('abort', onAbort);
  if (options.signal?.aborted) stop.abort();
  const target: SendTarget = {
    url,
    api,
    agent: replayAgent(url),
    headers: { 'content-type': 'application/json', ...bearerHeaders(options.apiKey) },
    timeoutMs: ((options.timeoutSeconds ?? 1_800) * 1_000) / timeScale,
    signal: stop.signal,
  };
  const prompts = new PromptWriter(seed);
  const measured: MeasuredRequest[] = [];
  const running: Promise<void>[] = [];
  const progress = { planned: requests.length, sent: 0, completed: 0, failed: 0 };

  const launch = (request: TraceRequest, dueMs: number) => {
    const requestedTokens = Math.min(request.outputTokens, options.maxOutputTokens ?? Number.POSITIVE_INFINITY);
    const { head, tail } = bodyFrame(api, model, requestedTokens);
    const body = prompts.wrap(request, head, tail);
    const lagMs = performance.now() - startMs - dueMs;
    progress.sent++;
    options.onProgress?.(progress);
    running.push(sendRequest(target, body).then((outcome) => record({ ...outcome, requestedTokens, lagMs })));
  };
  const record = (outcome: MeasuredRequest) => {
    measured.push(outcome);
    if (outcome.failure) progress.failed++;
    else if (!outcome.isInterrupted) progress.completed++;
    options.onProgress?.(progress);
  };

  const startMs = performance.now();
  try {
    for (const request of requests) {
      const dueMs = dueAtMs(request.timestampMs, requests[0]!.timestampMs, { rateScale, timeScale });
      const waitMs = dueMs - (performance.now() - startMs);
      if (waitMs > 0) await waitOrStop(waitMs, stop.signal);
      if (stop.signal.aborted) break;
      launch(request, dueMs);
    }
    await Promise.all(running);
  } finally {
    stop.abort();
    options.signal?.removeEventListener('abort', onAbort);
    target.agent.destroy();
  }
  const wallMs = performance.now() - startMs;
  return summarise(
    { url: options.url, api, model, rateScale, timeScale, seed, planned: requests.length, wallMs },
    measured,
  );
}

/** Resolves after `waitMs`, or as soon as `signal` aborts. */
async function waitOrStop(waitMs: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(waitMs, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
