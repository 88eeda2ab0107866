import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { cpuArchitecture, imageArchitecture } from '../../lib/data/cpu-architecture.ts';
import { gpuInstanceTypes } from '../../lib/data/instance-types.ts';
import { logRetentionDays } from '../../lib/data/log-retention.ts';
import { hourlyPriceUsd, priceDate, priceRegion } from '../../lib/data/prices.ts';
import { knownRegions } from '../../lib/data/regions.ts';

const types = [...gpuInstanceTypes.values()];

test('every GPU machine is known to be somewhere', () => {
  expect(types.filter(({ name }) => (knownRegions(name) ?? []).length === 0)).toEqual([]);
});

test('every GPU machine with a price has one where the prices are from, and only p5e has none', () => {
  expect(types.filter(({ name }) => hourlyPriceUsd(name) === undefined).map(({ name }) => name)).toEqual([
    'p5e.48xlarge',
  ]);
  expect(types.filter(({ name }) => hourlyPriceUsd(name) && !knownRegions(name)?.includes(priceRegion))).toEqual([]);
  expect(Date.parse(priceDate)).not.toBeNaN();
});

test('more GPUs of a family cost more', () => {
  const family = (name: string) => name.split('.')[0];
  for (const one of types) {
    for (const other of types.filter(({ name }) => family(name) === family(one.name))) {
      if (other.gpuCount > one.gpuCount && other.vcpus > one.vcpus) {
        expect([other.name, hourlyPriceUsd(other.name)! > hourlyPriceUsd(one.name)!]).toEqual([other.name, true]);
      }
    }
  }
});

test('the days that logs can be kept are those of CloudWatch Logs', () => {
  const known = Object.values(RetentionDays).filter(
    (days): days is number => typeof days === 'number' && days <= 3_653,
  );
  expect([...logRetentionDays].sort((one, other) => one - other)).toEqual(known.sort((one, other) => one - other));
});

test.each([
  ['t4g.small', 'arm64'],
  ['c7gn.large', 'arm64'],
  ['g5g.xlarge', 'arm64'],
  ['im4gn.large', 'arm64'],
  ['a1.large', 'arm64'],
  ['p6e-gb200.36xlarge', 'arm64'],
  ['g5.xlarge', 'x86_64'],
  ['g4dn.xlarge', 'x86_64'],
  ['g6e.xlarge', 'x86_64'],
  ['c7i.large', 'x86_64'],
  ['p6-b200.48xlarge', 'x86_64'],
])('the CPU of %s is %s', (type, architecture) => {
  expect(cpuArchitecture(type)).toBe(architecture);
});

test.each([
  ['/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64', 'arm64'],
  ['/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id', 'x86_64'],
  ['/my/image', undefined],
])('the image %s is for %s', (parameter, architecture) => {
  expect(imageArchitecture(parameter)).toBe(architecture);
});
