import { type Gpu, gpus } from './gpus.ts';

/** A GPU machine as EC2 sells it. */
export interface GpuInstanceType {
  readonly name: string;
  readonly gpu: Gpu;
  readonly gpuCount: number;
  readonly vcpus: number;
  readonly memoryGiB: number;
  /** NVMe disks that are part of the machine and lose everything when it stops; in GB, 0 without any. */
  readonly instanceStoreGB: number;
  /** What the network always gives; smaller machines may burst above it for a while. */
  readonly networkGbps: number;
  /** Most throughput to EBS; smaller machines keep it for 30 minutes a day. */
  readonly ebsGbps: number;
}

type Row = readonly [
  name: string,
  gpu: keyof typeof gpus,
  gpuCount: number,
  vcpus: number,
  memoryGiB: number,
  instanceStoreGB: number,
  networkGbps: number,
  ebsGbps: number,
];

/**
 * Types with whole NVIDIA GPUs; g6f has parts of one, which engines cannot use. From DescribeInstanceTypes as Karpenter
 * 1.14 publishes it (aws/karpenter-provider-aws, website/content/en/docs/reference/instance-types.md, August 2026).
 */
const rows: readonly Row[] = [
  ['g4dn.xlarge', 't4', 1, 4, 16, 125, 5, 3.5],
  ['g4dn.2xlarge', 't4', 1, 8, 32, 225, 10, 3.5],
  ['g4dn.4xlarge', 't4', 1, 16, 64, 225, 20, 4.75],
  ['g4dn.8xlarge', 't4', 1, 32, 128, 900, 50, 9.5],
  ['g4dn.12xlarge', 't4', 4, 48, 192, 900, 50, 9.5],
  ['g4dn.16xlarge', 't4', 1, 64, 256, 900, 50, 9.5],
  ['g5.xlarge', 'a10g', 1, 4, 16, 250, 2.5, 3.5],
  ['g5.2xlarge', 'a10g', 1, 8, 32, 450, 5, 3.5],
  ['g5.4xlarge', 'a10g', 1, 16, 64, 600, 10, 4.75],
  ['g5.8xlarge', 'a10g', 1, 32, 128, 900, 25, 16],
  ['g5.12xlarge', 'a10g', 4, 48, 192, 3_800, 40, 16],
  ['g5.16xlarge', 'a10g', 1, 64, 256, 1_900, 25, 16],
  ['g5.24xlarge', 'a10g', 4, 96, 384, 3_800, 50, 19],
  ['g5.48xlarge', 'a10g', 8, 192, 768, 7_600, 100, 19],
  ['g5g.xlarge', 't4g', 1, 4, 8, 0, 1.25, 4.75],
  ['g5g.2xlarge', 't4g', 1, 8, 16, 0, 2.5, 4.75],
  ['g5g.4xlarge', 't4g', 1, 16, 32, 0, 5, 4.75],
  ['g5g.8xlarge', 't4g', 1, 32, 64, 0, 12, 9.5],
  ['g5g.16xlarge', 't4g', 2, 64, 128, 0, 25, 19],
  ['g6.xlarge', 'l4', 1, 4, 16, 250, 2.5, 5],
  ['g6.2xlarge', 'l4', 1, 8, 32, 450, 5, 5],
  ['g6.4xlarge', 'l4', 1, 16, 64, 600, 10, 8],
  ['g6.8xlarge', 'l4', 1, 32, 128, 900, 25, 16],
  ['g6.12xlarge', 'l4', 4, 48, 192, 3_760, 40, 20],
  ['g6.16xlarge', 'l4', 1, 64, 256, 1_880, 25, 20],
  ['g6.24xlarge', 'l4', 4, 96, 384, 3_760, 50, 30],
  ['g6.48xlarge', 'l4', 8, 192, 768, 7_520, 100, 60],
  ['gr6.4xlarge', 'l4', 1, 16, 128, 600, 10, 8],
  ['gr6.8xlarge', 'l4', 1, 32, 256, 900, 25, 16],
  ['g6e.xlarge', 'l40s', 1, 4, 32, 250, 2.5, 5],
  ['g6e.2xlarge', 'l40s', 1, 8, 64, 450, 5, 5],
  ['g6e.4xlarge', 'l40s', 1, 16, 128, 600, 20, 8],
  ['g6e.8xlarge', 'l40s', 1, 32, 256, 900, 25, 16],
  ['g6e.12xlarge', 'l40s', 4, 48, 384, 3_800, 100, 20],
  ['g6e.16xlarge', 'l40s', 1, 64, 512, 1_900, 35, 20],
  ['g6e.24xlarge', 'l40s', 4, 96, 768, 3_800, 200, 30],
  ['g6e.48xlarge', 'l40s', 8, 192, 1_536, 7_600, 400, 60],
  ['g7.2xlarge', 'rtxPro4500', 1, 8, 32, 440, 60, 8],
  ['g7.4xlarge', 'rtxPro4500', 1, 16, 64, 875, 60, 8],
  ['g7.8xlarge', 'rtxPro4500', 1, 32, 128, 930, 80, 16],
  ['g7.12xlarge', 'rtxPro4500', 2, 48, 192, 1_900, 175, 20],
  ['g7.24xlarge', 'rtxPro4500', 4, 96, 384, 3_800, 350, 40],
  ['g7.48xlarge', 'rtxPro4500', 8, 192, 768, 7_600, 700, 80],
  ['g7e.2xlarge', 'rtxPro6000', 1, 8, 64, 1_900, 50, 5],
  ['g7e.4xlarge', 'rtxPro6000', 1, 16, 128, 1_900, 50, 8],
  ['g7e.8xlarge', 'rtxPro6000', 1, 32, 256, 1_900, 100, 16],
  ['g7e.12xlarge', 'rtxPro6000', 2, 48, 512, 3_800, 400, 25],
  ['g7e.24xlarge', 'rtxPro6000', 4, 96, 1_024, 7_600, 800, 50],
  ['g7e.48xlarge', 'rtxPro6000', 8, 192, 2_048, 15_200, 1_600, 100],
  ['p4d.24xlarge', 'a100', 8, 96, 1_152, 8_000, 400, 19],
  ['p4de.24xlarge', 'a100x80', 8, 96, 1_152, 8_000, 400, 19],
  ['p5.4xlarge', 'h100', 1, 16, 256, 3_800, 100, 10],
  ['p5.48xlarge', 'h100', 8, 192, 2_048, 30_400, 3_200, 80],
  ['p5e.48xlarge', 'h200', 8, 192, 2_048, 30_400, 3_200, 80],
  ['p5en.48xlarge', 'h200', 8, 192, 2_048, 30_400, 3_200, 100],
  ['p6-b200.48xlarge', 'b200', 8, 192, 2_048, 30_400, 3_200, 100],
  ['p6-b300.48xlarge', 'b300', 8, 192, 4_096, 30_400, 6_400, 100],
];

/** GPU machines by the name of their type. */
export const gpuInstanceTypes: ReadonlyMap<string, GpuInstanceType> = new Map(
  rows.map(([name, gpu, gpuCount, vcpus, memoryGiB, instanceStoreGB, networkGbps, ebsGbps]) => [
    name,
    { name, gpu: gpus[gpu], gpuCount, vcpus, memoryGiB, instanceStoreGB, networkGbps, ebsGbps },
  ]),
);
