/**
 * Preloaded with `node --import` into a child that must not outlive the process that started it, however that one ends:
 * the IPC channel between them closes even after `kill -9`. The child then takes its ordinary SIGTERM path.
 */
const lastResortMs = 30_000;

if (process.channel) {
  process.once('disconnect', () => {
    process.kill(process.pid, 'SIGTERM');
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), lastResortMs).unref();
  });
  // The channel alone must not keep the child running.
  process.channel.unref();
}

export {};
