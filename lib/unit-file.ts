import { Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { FileAsset } from './file-asset.ts';

export interface UnitFileProps {
  /** Unit name without `.service`. */
  readonly name: string;
  readonly text: string;
}

/** A systemd service as a file that machines fetch: the text of several is too long for a boot script. */
export class UnitFile extends FileAsset {
  readonly unitName: string;

  constructor(scope: Construct, id: string, { name, text }: UnitFileProps) {
    // CloudFormation fills in nothing in a file.
    if (Token.isUnresolved(text)) throw new Error(`the unit ${name} names what only the deployment knows`);
    super(scope, id, { content: text, extension: '.service' });
    this.unitName = name;
  }
}
