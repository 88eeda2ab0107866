/**
 * The wire contract between a router and the sandboxes on a runner (JSON and SSE over HTTP): its types and paths.
 * A sandbox runs one session's agent; its id is the session's.
 */

/** `POST` makes a sandbox, `GET` lists all that have a session; `GET`, `DELETE` of `/sandboxes/:id` look at and end one. */
export const sandboxesPath = '/sandboxes';
export const sandboxPath = (sessionId: string) => `${sandboxesPath}/${encodeURIComponent(sessionId)}`;
/** `POST`: one turn of the conversation, answered as an event stream of `TurnEvent`. */
export const sandboxMessagesPath = (sessionId: string) => `${sandboxPath(sessionId)}/messages`;

/** One message of a transcript, in OpenAI's shape. */
export interface TranscriptMessage {
  readonly role: 'user' | 'assistant';
  readonly content: string;
}

/** Body of `POST /sandboxes`. Asking again for a session that has a sandbox is no mistake: it answers 200 instead of 201. */
export interface SandboxSpec {
  readonly sessionId: string;
  /** `chat`, or a name that the fleet config declares. */
  readonly agent: string;
  readonly model?: string | undefined;
  readonly system?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** What the session's durable turns left behind; absent for a new session. */
  readonly restore?: SandboxRestore | undefined;
}

export interface SandboxRestore {
  readonly messages: readonly TranscriptMessage[];
  /** What the agent saved with the last durable turn: any JSON, null when it saved nothing. */
  readonly state: unknown;
}

/** Answer of `POST /sandboxes` and `GET /sandboxes/:id`. */
export interface SandboxView {
  readonly id: string;
  readonly agent: string;
  readonly status: 'ready' | 'busy';
  /** Turns that this sandbox has answered. */
  readonly turns: number;
}

/** Answer of `GET /sandboxes`. */
export interface SandboxList {
  readonly sandboxes: readonly SandboxView[];
}

/** Body of `POST /sandboxes/:id/messages`. */
export interface TurnRequest {
  readonly turnId: string;
  readonly content: string;
}

/** One piece of an answer in OpenAI's shape; what the agent puts into it passes through. */
export interface ChatChunk {
  readonly object: 'chat.completion.chunk';
  readonly choices: readonly {
    readonly index: number;
    readonly delta: { readonly role?: string; readonly content?: string | null };
    readonly finish_reason: string | null;
  }[];
  readonly [field: string]: unknown;
}

/** The last event of a turn: all that the store needs to make it durable. A stream without it is no turn. */
export interface TurnDone {
  readonly object: 'fleet.turn';
  readonly message: { readonly role: 'assistant'; readonly content: string };
  /** Agent state to keep with the turn; any JSON. */
  readonly state: unknown;
  readonly usage: TurnUsage | null;
}

export interface TurnUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** What a turn's event stream carries; a failure is an event `{"error": {...}}` in OpenAI's shape and ends the stream. */
export type TurnEvent = ChatChunk | TurnDone;

/** Sandboxes of a runner, in `GET /health` and in heartbeats. */
export interface PoolStatistics {
  /** Sandboxes that have a session. */
  readonly activeCount: number;
  /** Sandboxes that are starting or wait, warmed, for a session. */
  readonly warmingCount: number;
  readonly maxSandboxes: number;
}

/**
 * Where sandboxes live, as the router sees it: in this process (standalone mode) or on a runner. All calls reject with a
 * CodedError: the backend's own, the runner's as it came, or RUNNER_LOST when the runner cannot be reached or broke off.
 */
export interface RunnerBackend {
  createSandbox(spec: SandboxSpec, signal?: AbortSignal): Promise<SandboxView>;
  /** @returns undefined when there is no such sandbox */
  getSandbox(sessionId: string, signal?: AbortSignal): Promise<SandboxView | undefined>;
  /** All that have a session and are ready for it. */
  listSandboxes(signal?: AbortSignal): Promise<readonly SandboxView[]>;
  /** Runs one turn. Chunks come as they are made, TurnDone last; a stream that ends without it rejects. */
  sendMessage(sessionId: string, turn: TurnRequest, signal?: AbortSignal): AsyncIterable<TurnEvent>;
  /** No mistake when there is none. */
  destroySandbox(sessionId: string, signal?: AbortSignal): Promise<void>;
  statistics(signal?: AbortSignal): Promise<PoolStatistics>;
  /** Ends what the backend holds: connections, or the sandboxes of the local form. */
  close(): Promise<void>;
}
