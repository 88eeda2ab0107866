import type { Construct } from 'constructs';
import { FileAsset } from './file-asset.ts';
import { type DaemonUnit, daemonUnit, environmentLine, unitText } from './systemd.ts';

export interface UnitFileProps {
  /** Unit name without `.service`. */
  readonly name: string;
  readonly text: string;
  /** Lines of a file beside the unit that adds to it. @default - none */
  readonly dropIn?: string;
}

/** A systemd service as a file that machines fetch: the text of several is too long for a boot script. */
export class UnitFile extends FileAsset {
  readonly unitName: string;
  /** What the boot script itself has to add to the unit. */
  readonly dropIn: string | undefined;

  constructor(scope: Construct, id: string, { name, text, dropIn }: UnitFileProps) {
    super(scope, id, { content: text, extension: '.service' });
    this.unitName = name;
    this.dropIn = dropIn;
  }
}

/** The service of a daemon as such a file. */
export function daemonUnitFile(scope: Construct, unit: DaemonUnit): UnitFile {
  const late = Object.entries(unit.lateEnvironment ?? {});
  return new UnitFile(scope, unit.name, {
    name: unit.name,
    text: daemonUnit(unit),
    ...(late.length > 0 && {
      dropIn: unitText({ Service: late.map(([name, value]) => environmentLine(name, value)) }),
    }),
  });
}
