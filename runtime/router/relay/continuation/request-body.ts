import { CannotContinue } from './cannot-continue.ts';
import { Members } from './json-edit.ts';

/** The dialects whose streams can be continued. */
export type ContinuableDialect = 'chat' | 'completions' | 'generate';

/** A generation request as bytes with the ranges of its members. */
export class RequestBody {
  readonly dialect: ContinuableDialect;
  readonly members: Members;
  /** Where the sampling parameters stand: `sampling_params` of /generate (undefined when absent), else the top level. */
  readonly sampling: Members | undefined;

  /** Throws JsonScanError when the body is not one well-formed object. */
  constructor(dialect: ContinuableDialect, bytes: Buffer) {
    this.dialect = dialect;
    this.members = new Members(bytes);
    this.sampling = dialect === 'generate' ? this.members.object('sampling_params') : this.members;
  }

  get bytes(): Buffer {
    return this.members.bytes;
  }

  value(key: string): unknown {
    return this.members.value(key);
  }

  /** A sampling parameter. */
  parameter(key: string): unknown {
    return this.sampling?.value(key);
  }

  /** A number of tokens among the sampling parameters; undefined when absent or null. */
  count(key: string): number | undefined {
    const value = this.parameter(key);
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'number' || !Number.isInteger(value)) throw new CannotContinue(`"${key}" is not an integer`);
    return value;
  }

  /** Stop strings, without empty ones. */
  get stops(): readonly string[] {
    const stop = this.parameter('stop');
    const list = Array.isArray(stop) ? stop : [stop];
    return list.filter((text): text is string => typeof text === 'string' && text !== '');
  }

  /** Whether a stop string stays in the text. */
  get keepsStop(): boolean {
    return this.parameter('no_stop_trim') === true;
  }

  get wantsUsage(): boolean {
    const options = this.value('stream_options') as { include_usage?: unknown } | null | undefined;
    return options?.include_usage === true;
  }
}
