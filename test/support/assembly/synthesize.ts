import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { repositoryRoot } from '../fleet-templates.ts';

export interface SynthesisOptions {
  /** Fleet file, relative to `root`. */
  readonly config: string;
  /** Folder of the sources. @default - the repository */
  readonly root?: string;
  /** Where the cloud assembly goes. */
  readonly output: string;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs the CDK app the way the CDK's command line does: a process of its own in the folder of its sources, with the feature
 * flags of cdk.json. @throws with what the app printed when it fails
 */
export async function synthesize({ config, root = repositoryRoot, output, env }: SynthesisOptions): Promise<void> {
  const { context } = JSON.parse(readFileSync(path.join(root, 'cdk.json'), 'utf8')) as { context: object };
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    CDK_OUTDIR: output,
    CDK_CONTEXT_JSON: JSON.stringify({ ...context, config }),
    ...env,
  };
  for (const name of ['NODE_OPTIONS', 'NODE_ENV', 'JEST_WORKER_ID']) delete environment[name];
  const app = spawn(process.execPath, ['bin/fleet.ts'], {
    cwd: root,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve, reject) => app.once('close', resolve).once('error', reject));
  const [printed, complaints, status] = await Promise.all([text(app.stdout), text(app.stderr), ended]);
  if (status !== 0) throw new Error(`The app ended with ${status} for ${config}:\n${printed}${complaints}`);
}
