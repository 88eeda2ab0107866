import { type GpuInstanceType, gpuInstanceTypes } from '../../data/instance-types.ts';
import { weightsSource } from '../../workers/weights.ts';
import { type Finding, type GroupPlace, groupCheck } from '../finding.ts';

/** The system, SGLang with its packages, compiled kernels and logs. */
const systemGiB = 40;
const gbPerGiB = 1.073741824;

/** The weights can be fetched, and have room where they are kept. */
export const checkWeights = groupCheck((place) => {
  const types = place.group.instanceTypes.flatMap((name) => gpuInstanceTypes.get(name) ?? []);
  return [...gated(place), ...types.flatMap((type) => room(place, type)), ...throughput(place, types)];
});

function gated({ group, at }: GroupPlace): Finding[] {
  const { from, tokenSecretArn } = group.weights;
  if (group.model.isGated !== true || from !== 'huggingface' || tokenSecretArn !== undefined) return [];
  const advice = `required: Hugging Face gives ${group.model.path} only to those who have accepted its licence; or use s3`;
  return [{ path: at('weights', 'tokenSecretArn'), advice }];
}

/** A stopped machine loses its instance store, so a warm pool keeps weights on the volume, and an image has them there. */
function room({ group, at }: GroupPlace, { name, instanceStoreGB }: GpuInstanceType): Finding[] {
  const { weightsGiB } = group.model;
  // What is streamed into the GPUs needs no disk.
  if (weightsGiB === undefined || group.weights.stream) return [];
  const isOnVolume = instanceStoreGB === 0 || group.warmPool !== undefined || weightsSource(group) === 'image';
  if (isOnVolume) {
    const needed = Math.ceil(weightsGiB + systemGiB);
    if (group.volumeGiB >= needed) return [];
    const advice = `${weightsGiB} GiB of weights and ${systemGiB} GiB for the system and SGLang: at least ${needed}`;
    return [{ path: at('volumeGiB'), advice }];
  }
  if (weightsGiB * gbPerGiB <= instanceStoreGB) return [];
  const advice = `${weightsGiB} GiB of weights do not fit on the ${instanceStoreGB} GB disk of ${name}`;
  return [{ path: at('instanceTypes'), advice }];
}

function throughput({ group, at }: GroupPlace, types: readonly GpuInstanceType[]): Finding[] {
  const mibps = ({ ebsGbps }: GpuInstanceType) => Math.floor((ebsGbps * 1e9) / 8 / 1024 ** 2);
  const fastest = types.toSorted((one, other) => other.ebsGbps - one.ebsGbps)[0];
  if (fastest === undefined || group.volumeMiBps <= mibps(fastest)) return [];
  const advice = `${fastest.name} takes at most ${mibps(fastest)} MiB/s from its volumes; more is paid for nothing`;
  return [{ path: at('volumeMiBps'), advice, isWarning: true }];
}
