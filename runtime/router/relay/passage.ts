import type { Worker } from '../coordinator/worker.ts';
import type { HeldBody } from '../front/body-pool.ts';
import type { ClientRequest } from '../front/client-request.ts';
import type { ClientResponse } from '../front/client-response.ts';
import type { RankedWorker, RoutingFacts } from '../policy/policy.ts';
import { blockBytes, hashPromptBlocks } from '../policy/prompt-blocks.ts';
import type { TokenEstimate } from '../policy/token-estimate.ts';
import type { WorkerGroups } from '../scaling/worker-groups.ts';
import type { Answer } from './answer.ts';
import { type Dialect, dialectOf } from './paths.ts';
import { factsOfOpaqueBody, peek, type RequestFacts } from './peek.ts';

/** One request on its way through the relay. */
export interface Passage {
  readonly requestId: string;
  readonly request: ClientRequest;
  readonly response: ClientResponse;
  readonly answer: Answer;
  readonly facts: RequestFacts;
  /** Place of the worker group that is to answer it. */
  readonly group: number;
  readonly routing: RoutingFacts;
  readonly body: readonly Uint8Array[];
  readonly bodyBytes: number;
  /** Keeps the memory of `body` from being used again; whoever still writes it holds it too. */
  readonly held: HeldBody;
  /** The id under which the engine knows the request, when it has one. */
  readonly rid: string | undefined;
  readonly startedAtMs: number;
  /** Longest wait for a ready worker. */
  readonly holdMs: number;
  readonly dialect: Dialect;
  /** The worker that answered; set when one did. */
  worker: Worker | undefined;
  /** What admission granted last, where it grants workers. */
  granted: RankedWorker<Worker> | undefined;
}

export interface PassageOptions {
  readonly requestId: string;
  readonly request: ClientRequest;
  readonly response: ClientResponse;
  readonly answer: Answer;
  readonly held: HeldBody;
  readonly startedAtMs: number;
  /** Longest wait for a ready worker. */
  readonly holdMs: number;
  readonly injectRid: boolean;
  readonly tokens: TokenEstimate;
  readonly groups: WorkerGroups;
}

/** Works out what the relay needs to know of a request, once. Throws MALFORMED_JSON. */
export function openPassage(options: PassageOptions): Passage {
  const { requestId, request, response, answer, held, startedAtMs, tokens } = options;
  const body = held.bytes;
  const dialect = dialectOf(request.head.target)!;
  const facts = isJson(request) ? peek(body, dialect) : factsOfOpaqueBody;
  const spliceAt = options.injectRid ? facts.ridOffset : undefined;
  const parts =
    spliceAt === undefined
      ? [body]
      : [body.subarray(0, spliceAt), Buffer.from(`"rid":"${requestId}",`), body.subarray(spliceAt)];
  return {
    requestId,
    request,
    response,
    answer,
    facts,
    group: options.groups.indexOf(facts.model),
    routing: {
      chain: hashPromptBlocks(body, facts.promptStart, facts.promptEnd),
      promptTokens: tokens.tokensOf(facts.promptEnd - facts.promptStart),
      tokensPerBlock: blockBytes / tokens.bytesPerToken,
    },
    body: parts,
    held,
    bodyBytes: parts.reduce((total, part) => total + part.length, 0),
    rid: spliceAt === undefined ? facts.rid : requestId,
    startedAtMs,
    holdMs: options.holdMs,
    dialect,
    worker: undefined,
    granted: undefined,
  };
}

function isJson(request: ClientRequest): boolean {
  return /^application\/json\b/i.test(request.head.contentType ?? '');
}
