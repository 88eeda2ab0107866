import { InvalidArgumentError } from 'commander';

/** An Auto Scaling group whose instances are workers of one model. */
export interface WorkerGroupOption {
  readonly groupName: string;
  /** What clients ask for when they mean them; undefined where there is no other group. */
  readonly model: string | undefined;
}

/** Collects a repeatable, comma-separable option of `NAME` or `NAME=MODEL`. */
export function collectWorkerGroups(text: string, earlier: readonly WorkerGroupOption[] = []): WorkerGroupOption[] {
  const added = text.split(',').map((part): WorkerGroupOption => {
    const [groupName = '', model, ...rest] = part.trim().split('=');
    if (groupName === '' || model === '' || rest.length > 0) {
      throw new InvalidArgumentError('expected the name of a group, or NAME=MODEL.');
    }
    return { groupName, model };
  });
  const groups = [...earlier, ...added];
  if (new Set(groups.map(({ groupName }) => groupName)).size < groups.length) {
    throw new InvalidArgumentError('a group is given twice.');
  }
  if (groups.length > 1 && groups.some(({ model }) => model === undefined)) {
    throw new InvalidArgumentError('of several groups each needs its model: NAME=MODEL.');
  }
  return groups;
}

/** The worker groups of a router, and which of them a request is for. */
export class WorkerGroups {
  readonly all: readonly WorkerGroupOption[];
  /**
   * Models that may be asked for also while no worker is there, since a group would be started for them. Where there is one
   * group they are whatever its workers say.
   */
  readonly models: ReadonlySet<string>;
  readonly #indexes: ReadonlyMap<string, number>;

  constructor(all: readonly WorkerGroupOption[] = []) {
    this.all = all;
    const named = all.length > 1 ? all.map(({ model }) => model!) : [];
    this.models = new Set(named);
    // Of several groups with one model the first one is raised from zero.
    this.#indexes = new Map(named.map((model, index) => [model, index] as const).reverse());
  }

  /** How many sorts of requests are told apart. At least 1: a router without groups has requests all the same. */
  get count(): number {
    return Math.max(1, this.all.length);
  }

  /** The place of the group that answers such requests; those that name no model of a group go with the first one. */
  indexOf(model: string | undefined): number {
    return (model === undefined ? undefined : this.#indexes.get(model)) ?? 0;
  }
}
