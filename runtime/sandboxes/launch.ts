import path from 'node:path';
import type { AgentDefinition, AgentProgram } from './agent-definition.ts';
import { type Confinement, confiningPrefix } from './confinement.ts';

/** How a sandbox's process is started. */
export interface Launch {
  readonly file: string;
  readonly args: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

export interface LaunchFacts {
  readonly agent: AgentDefinition;
  /** MiB; null for no limit. */
  readonly memoryMb: number | null;
  readonly confinement: Confinement;
  /** Words that bring it into its control group. @default - none */
  readonly cgroupEntry?: readonly string[] | undefined;
  /** Without `/v1`. */
  readonly engineUrl: string;
  /** What the engine wants as a bearer token; undefined for one that wants none. */
  readonly engineKey?: string | undefined;
  /** Undefined for a sandbox that is started before its session. */
  readonly sessionId: string | undefined;
  /** The host's own environment, of which little is passed on. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What programs need to find others and to write text and files; nothing here is a secret. */
const inheritedNames = ['PATH', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'];
/** What Node needs beside its old objects: young objects, code, buffers. */
const heapShare = 0.75;

export function planLaunch(facts: LaunchFacts): Launch {
  const { agent, memoryMb, engineUrl, sessionId, environment, cgroupEntry = [] } = facts;
  const confining = [...cgroupEntry, ...confiningPrefix(facts.confinement, memoryMb)];
  const words = [...confining, ...commandOf(agent.program, memoryMb)];
  const inherited = inheritedNames.flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    file: words[0]!,
    args: words.slice(1),
    env: {
      ...Object.fromEntries(inherited),
      OPENAI_BASE_URL: `${engineUrl}/v1`,
      OPENAI_API_KEY: facts.engineKey ?? 'none',
      FLEET_AGENT: agent.name,
      ...(sessionId !== undefined && { FLEET_SESSION_ID: sessionId }),
      ...agent.env,
    },
    cwd: agent.cwd,
  };
}

/** A script may read its own folder and reach the network; it may not write, start programs or load native code. */
function commandOf(program: AgentProgram, memoryMb: number | null): readonly string[] {
  if (program.kind === 'command') return program.argv;
  const heap = memoryMb === null ? [] : [`--max-old-space-size=${Math.max(16, Math.floor(memoryMb * heapShare))}`];
  const mayRead = `--allow-fs-read=${path.dirname(program.file)}/*`;
  return [process.execPath, '--permission', mayRead, '--max-semi-space-size=2', ...heap, program.file];
}
