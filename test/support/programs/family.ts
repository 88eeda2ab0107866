// A process with one child. Prints both pids; the child ignores SIGTERM when the first argument says so.
import { spawn } from 'node:child_process';

const ignore = process.argv[2] === 'stubborn' ? `process.on('SIGTERM', () => {});` : '';
const child = spawn(process.execPath, ['-e', `${ignore} setInterval(() => {}, 1_000); console.log('up')`], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
child.stdout.once('data', () => console.log(`pids ${process.pid} ${child.pid}`));
if (ignore) process.on('SIGTERM', () => {});
