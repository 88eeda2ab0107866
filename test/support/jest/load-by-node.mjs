import { createHash } from 'node:crypto';

// The `process` of a suite and its `require` are Jest's; those of the main context are Node's.
const code = `module.exports = require('node:vm')
  .runInThisContext('process')
  .getBuiltinModule('node:module')
  .createRequire(__filename)(__filename);`;

/**
 * Jest transform of packages that Node itself shall load: once for all suites of a worker process, where Jest would load them
 * anew for each suite.
 */
export default {
  process: () => ({ code }),
  getCacheKey: (_source, file) => createHash('sha256').update(file).update(code).digest('hex'),
};
