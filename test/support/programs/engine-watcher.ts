// Supervises an engine without a runner around it and prints what its listeners hear, one JSON object a line. Takes options as the
// runner's, as one JSON object; ends at SIGTERM.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { createEngine } from '../../../runtime/runner/engine/create-engine.ts';
import { type RunnerFlags, resolveRunnerOptions } from '../../../runtime/runner/options.ts';
import { createLogger } from '../../../runtime/shared/log.ts';
import { RunLock } from '../../../runtime/shared/process/run-lock.ts';

const options = resolveRunnerOptions(JSON.parse(process.argv[2]!) as RunnerFlags, []);
mkdirSync(options.dataDir, { recursive: true });
const lock = new RunLock(path.join(options.dataDir, 'watcher.lock'));
const engine = createEngine(options, lock, createLogger({ service: 'engine-watcher', level: 'silent' }));
const print = (heard: string, value: unknown) => console.log(JSON.stringify({ heard, value }));
engine.onChange(({ state }) => print('state', state));
engine.onGivenUp((failure) => print('given up', failure));
engine.onGpuFailure((failure) => print('gpu failure', failure));
process.on('exit', () => engine.kill());
process.on('SIGTERM', () => {
  void engine.stop(1_000).then(() => {
    lock.release();
    process.exit(0);
  });
});
engine.start();
