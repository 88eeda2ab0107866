/** Native ESM under Jest: needs `node --experimental-vm-modules` (scripts/test.mjs passes it). */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  maxWorkers: 2,
  testTimeout: 60_000,
  // A suite leaves some MB behind in its worker, and from 2 GB on collecting is all it does.
  workerIdleMemoryLimit: '1GB',
  transformIgnorePatterns: ['/node_modules/(?!(aws-cdk-lib|cdk-nag|constructs)/)'],
  transform: {
    '/node_modules/(aws-cdk-lib|cdk-nag|constructs)/': '<rootDir>/test/support/jest/load-by-node.mjs',
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
};
