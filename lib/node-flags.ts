/**
 * Flags of Node for daemons that share a worker with its engine. They read a lot and keep little: V8 collects young objects
 * after 2 MB instead of letting them pile up to 48 MB. What the log monitor keeps is bounded to a few MB, and a heap that may
 * be small is collected in time; a runner may hold the transcripts of sessions. Measured by bench/monitor-cost.
 */
export const nodeFlags = {
  runner: ['--max-semi-space-size=2'],
  logMonitor: ['--max-semi-space-size=2', '--max-old-space-size=128'],
} as const;
