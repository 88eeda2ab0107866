import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { identifyProcess, isRunning, type ProcessIdentity } from '../shared/process/process-table.ts';
import { killTree } from '../shared/process/process-tree.ts';
import type { AgentDefinition } from './agent-definition.ts';
import { type AgentMessage, BridgeMistake, bridgeVersion, type HostMessage } from './bridge.ts';
import type { SandboxCgroup } from './cgroups/sandbox-cgroup.ts';
import { explainDeath } from './death.ts';
import type { Death } from './errors.ts';
import type { Launch } from './launch.ts';
import { LineReader, LineTooLong } from './line-reader.ts';
import { parseAgentLine } from './parse-agent-line.ts';
import { TextTail } from './text-tail.ts';

const stderrTailBytes = 4_096;
/** What may still be in its pipes after its end arrives within this. */
const lastOutputMs = 500;

export interface AgentProcessOptions {
  readonly launch: Launch;
  readonly agent: AgentDefinition;
  readonly hasMemoryGroup: boolean;
  /** Its own control group, which ends with it. @default - it has none here */
  readonly cgroup?: SandboxCgroup | undefined;
  readonly onMessage: (message: AgentMessage) => void;
}

/** One agent as a child process, from its start to its end, with the bridge to it. Whatever breaks a limit is killed. */
export class AgentProcess {
  /** Undefined when it could not be started. */
  readonly identity: ProcessIdentity | undefined;
  /** Resolves once, when the process and all that it started are gone. */
  readonly ended: Promise<Death>;
  readonly #options: AgentProcessOptions;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: LineReader;
  readonly #stderr = new TextTail(stderrTailBytes);
  readonly #ready = Promise.withResolvers<void>();
  #isReady = false;
  #cause: Death | undefined;
  /** What was seen to belong to it. */
  #family: readonly ProcessIdentity[] = [];
  /** Since the current turn began, or since the last one's end. */
  #outputBytes = 0;

  constructor(options: AgentProcessOptions) {
    this.#options = options;
    const { launch, agent } = options;
    this.#lines = new LineReader(agent.maxLineBytes);
    this.#child = spawn(launch.file, launch.args, {
      cwd: launch.cwd,
      env: { ...launch.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      // Its own process group: what it leaves behind is found by the group.
      detached: true,
    });
    this.identity = this.#child.pid === undefined ? undefined : identifyProcess(this.#child.pid);
    this.#child.stdout.on('data', (bytes: Buffer) => this.#take(bytes));
    this.#child.stderr.on('data', (bytes: Buffer) => this.#takeStderr(bytes));
    // A write to a process that has ended; its end is reported by itself.
    this.#child.stdin.on('error', () => undefined);
    this.ended = this.#watchEnd();
    this.#ready.promise.catch(() => undefined);
    this.send({ type: 'hello', protocol: bridgeVersion });
  }

  /** Resolves when it said that it is ready. Ends it after its start time-out. @throws Death */
  async whenReady(): Promise<void> {
    const { startTimeoutMs } = this.#options.agent;
    const timer = setTimeout(() => {
      this.kill({ code: 'SANDBOX_TIMEOUT', reason: `it was not ready ${startTimeoutMs / 1_000} s after its start` });
    }, startTimeoutMs);
    try {
      await this.#ready.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  get stderrTail(): string {
    return this.#stderr.toString();
  }

  send(message: HostMessage): void {
    if (this.#child.stdin.writable) this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  /** A new turn has its own output limit. */
  resetOutput(): void {
    this.#outputBytes = 0;
  }

  /** Stops reading its answer, which in the end stops the agent; or goes on. */
  setPaused(isPaused: boolean): void {
    if (isPaused) this.#child.stdout.pause();
    else this.#child.stdout.resume();
  }

  /** Kills it with everything that it started. @param cause what `ended` resolves with; the first one counts */
  kill(cause: Death): void {
    this.#cause ??= cause;
    this.#options.cgroup?.kill();
    if (this.identity) killTree(this.identity);
  }

  /** Notes what belongs to it now: after its end a child that made its own session is found by nothing else. */
  noteFamily(family: readonly ProcessIdentity[]): void {
    this.#family = family;
  }

  /** Closes its stdin, on which an agent ends, and kills what is left after `graceMs`. */
  async end(cause: Death, graceMs: number): Promise<void> {
    this.#cause ??= cause;
    this.#child.stdin.end();
    const timer = setTimeout(() => this.kill(cause), graceMs);
    await this.ended;
    clearTimeout(timer);
  }

  #take(bytes: Buffer): void {
    if (this.#cause || !this.#count(bytes)) return;
    try {
      for (const line of this.#lines.push(bytes)) this.#receive(parseAgentLine(line));
    } catch (error) {
      if (error instanceof LineTooLong) {
        const { maxLineBytes } = this.#options.agent;
        this.kill({ code: 'SANDBOX_OUTPUT_LIMIT', reason: `it wrote a line of more than ${maxLineBytes} bytes` });
      } else if (error instanceof BridgeMistake) {
        this.kill({ code: 'SANDBOX_DIED', reason: `it broke the protocol: ${error.message}` });
      } else throw error;
    }
  }

  #takeStderr(bytes: Buffer): void {
    if (!this.#cause && this.#count(bytes)) this.#stderr.push(bytes);
  }

  /** False when the limit is passed. */
  #count(bytes: Buffer): boolean {
    const { maxTurnBytes } = this.#options.agent;
    this.#outputBytes += bytes.length;
    if (this.#outputBytes <= maxTurnBytes) return true;
    this.kill({ code: 'SANDBOX_OUTPUT_LIMIT', reason: `it wrote more than ${maxTurnBytes} bytes in one turn` });
    return false;
  }

  #receive(message: AgentMessage): void {
    if (this.#cause) return;
    if (message.type === 'log' || this.#isReady) this.#options.onMessage(message);
    else if (message.type !== 'ready') throw new BridgeMistake(`a "${message.type}" line came before "ready"`);
    else if (message.protocol !== bridgeVersion) {
      throw new BridgeMistake(`it speaks version ${message.protocol}, this host speaks ${bridgeVersion}`);
    } else {
      this.#isReady = true;
      this.#ready.resolve();
    }
  }

  async #watchEnd(): Promise<Death> {
    const closed = new Promise<void>((resolve) => this.#child.once('close', () => resolve()));
    const end = await new Promise<Parameters<typeof explainDeath>[0]['end']>((resolve) => {
      this.#child.once('error', ({ message }) =>
        resolve({ code: null, signal: null, reason: `cannot start: ${message}` }),
      );
      this.#child.once('exit', (code, signal) => resolve({ code, signal, reason: null }));
    });
    this.#killLeftovers();
    const timer = setTimeout(() => this.#destroyPipes(), lastOutputMs);
    // A reader that is paused would wait for ever.
    this.#child.stdout.resume();
    if (this.identity) await closed;
    clearTimeout(timer);
    this.#destroyPipes();
    const { hasMemoryGroup, cgroup } = this.#options;
    await cgroup?.remove();
    const death = explainDeath({ end, cause: this.#cause, stderrTail: this.stderrTail, hasMemoryGroup });
    this.#cause = death;
    this.#ready.reject(death);
    return death;
  }

  /** What it started may hold its pipes, its memory and its ports. */
  #killLeftovers(): void {
    this.#options.cgroup?.kill();
    if (!this.identity) return;
    const { pid } = this.identity;
    // Reading the table of processes is dear where there are hundreds; an empty group says that there is no need.
    if (groupExists(pid)) killTree(this.identity);
    for (const member of this.#family) if (member.pid !== pid && isRunning(member)) killTree(member);
  }

  #destroyPipes(): void {
    for (const pipe of [this.#child.stdin, this.#child.stdout, this.#child.stderr]) pipe.destroy();
  }
}

function groupExists(groupId: number): boolean {
  try {
    return process.kill(-groupId, 0);
  } catch (error) {
    // EPERM: it exists and has become somebody else's.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
