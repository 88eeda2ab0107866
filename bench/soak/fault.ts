/** One of the faults that a simulated engine has, at random; see docs/simulator.md. */
export function randomFault(): object {
  const afterTokens = Math.floor(Math.random() * 30);
  const faults = [
    { kind: 'refuse', durationMs: 20_000 },
    { kind: 'reset', count: 3 },
    { kind: 'hang' },
    { kind: 'slow-first-byte', delayMs: 20_000 },
    { kind: 'stall-mid-stream', afterTokens },
    { kind: 'die-mid-stream', afterTokens, count: 3 },
    { kind: 'overload', count: 5 },
    { kind: 'wrong-content-length' },
  ];
  return faults[Math.floor(Math.random() * faults.length)]!;
}
