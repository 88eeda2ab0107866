/** Native ESM under Jest: needs `node --experimental-vm-modules` (scripts/test.mjs passes it). */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  maxWorkers: 2,
  testTimeout: 60_000,
  // Each suite that loads aws-cdk-lib leaves some 100 MB behind in its worker, and from 2 GB on collecting is all it does.
  workerIdleMemoryLimit: '400MB',
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
};
