export type CpuArchitecture = 'x86_64' | 'arm64';

/**
 * What the CPU of an EC2 instance type understands, from its name: a `g` after the generation marks Graviton (t4g, c7gn,
 * g5g, im4gn), a1 is the first Graviton, and p6e-gb200 and its successors have NVIDIA's Arm CPU.
 * https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
 */
export function cpuArchitecture(instanceType: string): CpuArchitecture {
  const family = instanceType.split('.')[0]!;
  return family === 'a1' || /^[a-z]+\d+[a-z]*g[a-z]*$/.test(family) || family.includes('-gb') ? 'arm64' : 'x86_64';
}

/** The architecture that the name of a public image parameter tells, such as .../al2023-ami-kernel-default-x86_64. */
export function imageArchitecture(ssmParameter: string): CpuArchitecture | undefined {
  if (/arm64|aarch64/i.test(ssmParameter)) return 'arm64';
  return /x86_64|x86-64|amd64/i.test(ssmParameter) ? 'x86_64' : undefined;
}
