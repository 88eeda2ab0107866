import { mkdirSync, readFileSync } from 'node:fs';
import { findFreePorts } from '../../runtime/shared/process/free-port.ts';
import { describeEnd, OwnedProcess } from '../../runtime/shared/process/owned-process.ts';
import type { ProcessIdentity } from '../../runtime/shared/process/process-table.ts';
import type { Peer } from './peer.ts';

export interface StartOptions {
  readonly engineUrls: readonly string[];
  /** Folder for its configuration and log; made when absent. */
  readonly folder: string;
  /** taskset list; undefined leaves the process where the scheduler puts it. */
  readonly cores: string | undefined;
}

/** A router under test. It has to be asked until it answers: `port` may not be open yet. */
export interface RunningPeer {
  readonly name: string;
  readonly port: number;
  readonly identity: ProcessIdentity;
  /** When it was started, on the clock of `process.hrtime`, in ms. */
  readonly startedAtMs: number;
  /** `work`, or an error with the end of its log as soon as the router ends. */
  whileRunning<T>(work: Promise<T>): Promise<T>;
  stop(): Promise<void>;
  /** For an exit that cannot wait. */
  kill(): void;
}

export async function startPeer(peer: Peer, { engineUrls, folder, cores }: StartOptions): Promise<RunningPeer> {
  mkdirSync(folder, { recursive: true });
  const [port, sparePort] = await findFreePorts(2, '127.0.0.1');
  const {
    file,
    args,
    env,
    endsWithParent = false,
  } = peer.command({
    port: port!,
    sparePort: sparePort!,
    engineUrls,
    folder,
  });
  // A peer that cannot watch its parent is ended by the kernel when the parent dies.
  const prefix = [
    ...(endsWithParent || process.platform !== 'linux' ? [] : ['setpriv', '--pdeathsig', 'TERM']),
    ...(cores === undefined ? [] : ['taskset', '-c', cores]),
  ];
  const [first, ...rest] = [...prefix, file, ...args];
  const startedAtMs = Number(process.hrtime.bigint()) / 1e6;
  const command = { file: first!, args: rest, endsWithParent };
  const logFile = `${folder}/output.log`;
  const owned = new OwnedProcess(command, logFile, { ...process.env, ...env });
  const ended = owned.ended.then((end) => {
    const lastLines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-5).join('\n');
    throw new Error(`${peer.name} ${describeEnd(end)}: ${lastLines}`);
  });
  ended.catch(() => {}); // Its end is of interest only while something waits for it.
  if (owned.identity === undefined) throw new Error(`${peer.name} could not be started: ${(await owned.ended).reason}`);
  return {
    name: peer.name,
    port: port!,
    identity: owned.identity,
    startedAtMs,
    whileRunning: (work) => Promise.race([work, ended]),
    stop: () => owned.stop(3_000),
    kill: () => owned.kill(),
  };
}
