/** A router that the benchmarks can start in front of engines. */
export interface Peer {
  readonly name: string;
  /** What is installed, undefined when it is not. */
  version(): string | undefined;
  /** The command that runs it in the foreground; may write its configuration into `place.folder`. */
  command(place: PeerPlace): PeerCommand;
}

export interface PeerPlace {
  readonly port: number;
  /** A second free port, for peers that insist on one. */
  readonly sparePort: number;
  /** Base URLs. */
  readonly engineUrls: readonly string[];
  /** An empty folder of its own. */
  readonly folder: string;
}

export interface PeerCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** It ends by itself when the IPC channel to its parent closes. */
  readonly endsWithParent?: boolean;
}

/** Where install.sh puts what comes from PyPI. */
export const environmentsFolder = new URL('../../.cache/bench-peers/', import.meta.url).pathname;
