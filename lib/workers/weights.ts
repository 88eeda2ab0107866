import type { WorkerGroupConfig } from '../config/schema.ts';
import { secretReference } from '../fleet-secrets.ts';
import { copiedWeightsFolder, weightsFolder } from './worker-paths.ts';

/** Where an engine finds its weights, and what has to happen before. */
export interface WeightsPlan {
  /** What the engine is given as its model: a name at Hugging Face, a folder, or an address in S3. */
  readonly modelPath: string;
  /** Folder in S3 that is copied to disk before the engine starts. */
  readonly copyFrom?: string;
  /** Folder in S3 that the machine may read, with or without a copy. */
  readonly readsFrom?: string;
  /** Extra of the SGLang package that the engine needs. */
  readonly packageExtra?: 'runai';
  /** Of the engine. */
  readonly environment: Readonly<Record<string, string>>;
  /** ARN of the secret that the machine may read, to which the environment refers. */
  readonly secretArn?: string;
}

type WeightsConfig = Pick<WorkerGroupConfig, 'model' | 'weights' | 'image'>;

/** Where the workers of a group get their weights, whoever put them there. */
export function weightsSource({
  weights,
  image,
}: Pick<WeightsConfig, 'weights' | 'image'>): WeightsConfig['weights']['from'] {
  return image.build?.withWeights ? 'image' : weights.from;
}

/** Where an image has the weights of a model. */
export function imageWeightsFolder({ model }: Pick<WeightsConfig, 'model'>): string {
  return model.path.startsWith('/') ? model.path : `/opt/models/${model.path}`;
}

/** Where an engine finds its weights. */
export function weightsPlan(config: WeightsConfig): WeightsPlan {
  const { model, weights } = config;
  const { uri, stream, tokenSecretArn } = weights;
  switch (weightsSource(config)) {
    case 'huggingface':
      return {
        modelPath: model.path,
        environment: {
          HF_HOME: `${weightsFolder}/huggingface`,
          HF_XET_HIGH_PERFORMANCE: '1',
          ...(tokenSecretArn !== undefined && { HF_TOKEN: secretReference(tokenSecretArn) }),
        },
        ...(tokenSecretArn !== undefined && { secretArn: tokenSecretArn }),
      };
    case 's3':
      return stream
        ? { modelPath: uri!, readsFrom: uri!, packageExtra: 'runai', environment: {} }
        : { modelPath: copiedWeightsFolder, readsFrom: uri!, copyFrom: uri!, environment: offline };
    case 'image':
      return { modelPath: imageWeightsFolder(config), environment: offline };
  }
}

/** All files are there: a missing one is an error, not a download. */
const offline = { HF_HUB_OFFLINE: '1' };

/** Bucket and key prefix of `s3://bucket/prefix`. */
export function s3Folder(uri: string): { readonly bucket: string; readonly prefix: string } {
  const [, bucket, prefix] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri)!;
  return { bucket: bucket!, prefix: prefix! };
}
