/** An agent that sandboxes can run. */
export interface AgentDefinition {
  readonly name: string;
  /** What is started, before it is confined. */
  readonly program: AgentProgram;
  /** Added to the sandbox's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Working folder. */
  readonly cwd: string;
  /** Memory of its own that a sandbox may have, in MiB; undefined takes the runner's default, null sets no limit. */
  readonly memoryMb: number | null | undefined;
  /** From the start of its process until it is ready. */
  readonly startTimeoutMs: number;
  /** From a message until its last event. */
  readonly turnTimeoutMs: number;
  /** What it may write in one turn, to stdout and stderr together. */
  readonly maxTurnBytes: number;
  /** One line of its stdout. */
  readonly maxLineBytes: number;
  /** Sandboxes to keep started and waiting; undefined takes the runner's number. */
  readonly warm: number | undefined;
}

/** A JavaScript file is run by this very Node, under its permission model and a heap limit; a command as it stands. */
export type AgentProgram =
  | { readonly kind: 'script'; readonly file: string }
  | { readonly kind: 'command'; readonly argv: readonly string[] };

export const agentDefaults = {
  startTimeoutSeconds: 30,
  turnTimeoutSeconds: 600,
  maxTurnBytes: 16 * 1024 * 1024,
  maxLineBytes: 1024 * 1024,
} as const;
