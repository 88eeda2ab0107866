import { createHash } from 'node:crypto';
import type { WorkerGroupConfig } from '../config/schema.ts';
import type { FleetNames } from '../names.ts';
import { imageDocument } from './image-document.ts';

/** An image that the fleet builds itself. Whatever changes in it changes all but its name. */
export interface BuiltImage {
  readonly name: string;
  readonly document: string;
  /** Of its component: all three parts follow from the content. */
  readonly componentVersion: string;
  /** Of its recipe; Image Builder counts where the x is, so that an earlier content may come back. */
  readonly recipeVersion: string;
  /**
   * SSM parameter in which the AMI's id is once the image has been built. Image Builder's own role may write below
   * /imagebuilder/ and nowhere else.
   */
  readonly parameterName: string;
}

/** @returns undefined for a group that boots an image of somebody else */
export function builtImage(config: WorkerGroupConfig, names: FleetNames, region: string): BuiltImage | undefined {
  const { build } = config.image;
  if (build === undefined) return undefined;
  const document = imageDocument(config, region);
  const name = names.workerGroup(config.name);
  const digest = createHash('sha256')
    .update(JSON.stringify([document, build.parent, config.volumeGiB]))
    .digest('hex');
  const [first, second] = [digest.slice(0, 6), digest.slice(6, 12)].map((part) => Number.parseInt(part, 16));
  return {
    name,
    document,
    componentVersion: `1.${first}.${second}`,
    recipeVersion: `${first}.${second}.x`,
    parameterName: `/imagebuilder/sglang-fleet/${name}/${digest.slice(0, 12)}`,
  };
}
