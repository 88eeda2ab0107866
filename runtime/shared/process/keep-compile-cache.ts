import { flushCompileCache } from 'node:module';

/**
 * Preloaded with `node --import`: writes the compile cache once the start is over. Node itself writes it at an orderly
 * exit only, so a child that is usually killed would compile everything again at each start.
 */
const afterStartMs = 3_000;

setTimeout(flushCompileCache, afterStartMs).unref();
