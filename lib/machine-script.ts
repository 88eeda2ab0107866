import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Construct } from 'constructs';
import { FileAsset } from './file-asset.ts';

const folder = path.join(import.meta.dirname, 'machine');

/** `lib/machine/NAME.sh` as a file that machines fetch. */
export function machineScript(scope: Construct, name: string): FileAsset {
  const content = readFileSync(path.join(folder, `${name}.sh`), 'utf8');
  return new FileAsset(scope, name, { content, extension: '.sh' });
}
