/** A GPU as EC2 sells it. */
export interface Gpu {
  readonly name: string;
  /** Memory of one GPU in GiB, as DescribeInstanceTypes reports it. */
  readonly memoryGiB: number;
  /** CUDA compute capability: 8.9 for Ada, 9 for Hopper, 10 and above for Blackwell. */
  readonly computeCapability: number;
}

const gpu = (name: string, memoryMiB: number, computeCapability: number): Gpu => ({
  name,
  memoryGiB: memoryMiB / 1_024,
  computeCapability,
});

/**
 * Memory: the labels that Karpenter 1.14 publishes from DescribeInstanceTypes (aws/karpenter-provider-aws,
 * website/content/en/docs/reference/instance-types.md, August 2026). Compute capability: developer.nvidia.com/cuda-gpus,
 * except that it lists no A10G, which is the A10's GA102, and no T4G, which is the T4's TU104.
 */
export const gpus = {
  t4: gpu('NVIDIA T4', 16_384, 7.5),
  t4g: gpu('NVIDIA T4G', 16_384, 7.5),
  a10g: gpu('NVIDIA A10G', 22_888, 8.6),
  a100: gpu('NVIDIA A100 40 GB', 40_960, 8.0),
  a100x80: gpu('NVIDIA A100 80 GB', 81_920, 8.0),
  l4: gpu('NVIDIA L4', 22_888, 8.9),
  l40s: gpu('NVIDIA L40S', 45_776, 8.9),
  h100: gpu('NVIDIA H100', 81_920, 9.0),
  h200: gpu('NVIDIA H200', 144_384, 9.0),
  b200: gpu('NVIDIA B200', 183_359, 10.0),
  b300: gpu('NVIDIA B300', 275_040, 10.3),
  rtxPro4500: gpu('NVIDIA RTX PRO 4500', 32_768, 12.0),
  rtxPro6000: gpu('NVIDIA RTX PRO 6000', 98_304, 12.0),
} as const;

/** Lowest compute capability whose tensor cores compute in FP8. */
export const fp8Capability = 8.9;
/** Lowest compute capability whose tensor cores compute in FP4. */
export const fp4Capability = 10.0;
/** Lowest compute capability that SGLang's kernels are built for in practice; bfloat16 begins there as well. */
export const sglangCapability = 8.0;
