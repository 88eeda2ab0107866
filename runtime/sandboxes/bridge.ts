import type { ChatChunk, TranscriptMessage, TurnUsage } from '../shared/sandbox-protocol.ts';

/**
 * The bridge between a host and the agent in a sandbox: JSON lines over the agent's stdin and stdout.
 * docs/agents.md describes it for those who write agents.
 */
export const bridgeVersion = 1;

/** What the host writes to the agent. */
export type HostMessage =
  | { readonly type: 'hello'; readonly protocol: number }
  | SessionInit
  | { readonly type: 'turn'; readonly turnId: string; readonly content: string }
  | { readonly type: 'cancel'; readonly turnId: string };

/** Sent once, before the first turn. */
export interface SessionInit {
  readonly type: 'init';
  readonly sessionId: string;
  readonly agent: string;
  readonly model: string | null;
  readonly system: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** The session's durable turns so far. */
  readonly messages: readonly TranscriptMessage[];
  /** What the agent saved with the last of them; null when nothing. */
  readonly state: unknown;
  /** Base URL of the engine, without `/v1`. */
  readonly engineUrl: string;
}

/** What the agent writes to the host. */
export type AgentMessage =
  | { readonly type: 'ready'; readonly protocol: number }
  | { readonly type: 'chunk'; readonly turnId: string; readonly delta: string }
  | { readonly type: 'chunk'; readonly turnId: string; readonly chunk: ChatChunk }
  | AgentDone
  | AgentFailure
  | { readonly type: 'cancelled'; readonly turnId: string }
  | { readonly type: 'log'; readonly level: 'info' | 'warn' | 'error'; readonly message: string };

export interface AgentDone {
  readonly type: 'done';
  readonly turnId: string;
  /** The whole answer; null stands for the deltas put together. */
  readonly content: string | null;
  readonly state: unknown;
  readonly usage: TurnUsage | null;
}

/** The turn failed and left no trace: the agent goes on from the state before it. */
export interface AgentFailure {
  readonly type: 'error';
  readonly turnId: string;
  readonly code: string | null;
  readonly message: string;
}

/** A line that does not follow the protocol. The message says what is wrong with it and does not quote it. */
export class BridgeMistake extends Error {
  override readonly name = 'BridgeMistake';
}
