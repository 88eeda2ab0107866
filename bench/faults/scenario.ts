import type { Peer } from '../peers/peer.ts';
import type { FaultBed, FaultEngine } from './fault-bed.ts';

/** What one fault did to the clients of one router. */
export interface Finding {
  readonly title: string;
  /** For the table, e.g. `3 of 400 failed`. */
  readonly text: string;
  /** For the JSON file. */
  readonly values: Readonly<Record<string, number | string | null>>;
}

export interface FaultScenario {
  readonly name: string;
  run(bed: FaultBed, peer: Peer, size: ScenarioSize): Promise<Finding[]>;
}

export interface ScenarioSize {
  /** Fewer requests and shorter waits: to see that everything works. */
  readonly isQuick: boolean;
}

/** The engine with the most requests so far: the one on which the clients' prefix is. */
export async function busiest(engines: readonly FaultEngine[]): Promise<FaultEngine> {
  const counts = await Promise.all(engines.map(async (engine) => (await engine.seen()).requestsAtMs.length));
  return engines[counts.indexOf(Math.max(...counts))]!;
}
