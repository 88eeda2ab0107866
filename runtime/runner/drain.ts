import { setTimeout as delay } from 'node:timers/promises';
import type { SandboxPool } from '../sandboxes/pool.ts';
import { describeError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import { type DrainState, nextDrainStep } from './drain-plan.ts';
import type { Engine } from './engine/engine.ts';
import { readEngineLoad } from './engine/engine-load.ts';
import type { RouterLink } from './routers/router-link.ts';

/** A router that does not answer for this long is not waited for: the drain goes on without it. */
const routerCallMs = 2_000;

/** By when a drain is over. It may come closer while the drain runs: a Spot notice after a scale-in. */
export interface DrainDeadline {
  /** On the clock of `performance.now()`. */
  readonly atMs: number;
  /** The machine is gone soon after it. */
  readonly isHard: boolean;
}

export interface DrainParts {
  readonly engine: Engine;
  /** Whether requests may have come to the engine: it has been on a router's list. */
  readonly hasServed: boolean;
  readonly pool: SandboxPool;
  readonly links: readonly RouterLink[];
  readonly log: Logger;
  /** Asked for at every step. */
  readonly deadline: () => DrainDeadline;
  /** No request runs any more and sessions are paused: the machine may go. Engine and sandboxes are still ending. */
  readonly onMoved: () => void;
}

/**
 * The one way in which a runner gives up its engine: routers send nothing new, requests and turns in flight end, the
 * runner leaves the routers' lists, sandboxes and engine stop. Resolves when they are gone.
 *
 * What still runs at the deadline is handed over: sessions are paused, then the engine is killed. Routers take the broken
 * connections for what they are, continue the streams on other workers and send requests without a first byte again. An
 * abort would not do: SGLang ends an aborted answer like a complete one (seen on 0.5.18 and 0.5.23).
 */
export async function drain(parts: DrainParts): Promise<void> {
  const { engine, pool, links, log } = parts;
  engine.beginDrain();
  pool.refuseWork();
  const startedAt = performance.now();
  log.info('drain started', { drainMs: Math.round(parts.deadline().atMs - startedAt) });
  let state: DrainState = {
    areRoutersTold: false,
    inFlight: undefined,
    busyTurns: pool.busyTurns,
    idleReadings: 0,
    failedReadings: 0,
    inFlightAtRouters: undefined,
    ...deadlineOf(parts),
  };
  for (;;) {
    const step = nextDrainStep(state, performance.now());
    switch (step.do) {
      case 'tell-routers':
        await tellRouters(links, log);
        state = await look(parts, { ...state, areRoutersTold: true });
        continue;
      case 'wait':
        await delay(step.forMs);
        state = await look(parts, state);
        continue;
      case 'ask-routers':
        await tellRouters(links, log);
        state = { ...state, inFlightAtRouters: inFlightAt(links), ...deadlineOf(parts) };
        continue;
      case 'hand-over':
        log.warn('drain deadline passed, handing over', { requests: step.requests, turns: step.turns });
        // Sessions first: whoever sees a turn break off finds its session paused, and can resume it.
        await leaveRouters(links);
        engine.kill();
        parts.onMoved();
        await Promise.all([pool.close(), engine.stop(0)]);
        break;
      case 'stop-engine':
        // Off the lists first, so that no router sees its port close.
        await leaveRouters(links);
        if (state.inFlight !== undefined) parts.onMoved();
        await Promise.all([pool.close(), stopEngine(parts, step.graceMs)]);
        break;
    }
    parts.onMoved();
    log.info('drain finished', { durationMs: Math.round(performance.now() - startedAt) });
    return;
  }
}

/** Lets the engine drain by itself, as long as the deadline does not come closer meanwhile. */
async function stopEngine({ engine, deadline }: DrainParts, graceMs: number): Promise<void> {
  const stopping = engine.stop(graceMs);
  let hasStopped = false;
  const done = stopping.finally(() => {
    hasStopped = true;
  });
  while (!hasStopped) {
    const { atMs, isHard } = deadline();
    if (isHard && performance.now() >= atMs) engine.kill();
    await Promise.race([done, delay(100)]);
  }
  await done;
}

async function tellRouters(links: readonly RouterLink[], log: Logger): Promise<void> {
  const results = await Promise.allSettled(links.map((link) => link.tell(routerCallMs)));
  for (const result of results) {
    if (result.status === 'rejected')
      log.warn('router not told of the drain', { detail: describeError(result.reason) });
  }
}

async function leaveRouters(links: readonly RouterLink[]): Promise<void> {
  await Promise.all(links.map((link) => link.close(routerCallMs)));
}

function inFlightAt(links: readonly RouterLink[]): number {
  return links.reduce((total, { lastAnswer }) => total + (lastAnswer?.inFlightRequests ?? 0), 0);
}

async function look(parts: DrainParts, state: DrainState): Promise<DrainState> {
  const { engine, pool, hasServed } = parts;
  const load = hasServed ? await readEngineLoad(engine.url) : undefined;
  const inFlight = hasServed ? load && load.runningRequests + load.waitingRequests : 0;
  const { busyTurns } = pool;
  const isIdle = inFlight === 0 && busyTurns === 0;
  return {
    ...{ ...state, ...deadlineOf(parts), inFlight, busyTurns, inFlightAtRouters: undefined },
    idleReadings: isIdle ? state.idleReadings + 1 : 0,
    failedReadings: inFlight === undefined ? state.failedReadings + 1 : 0,
  };
}

function deadlineOf({ deadline }: DrainParts): Pick<DrainState, 'deadlineAt' | 'isDeadlineHard'> {
  const { atMs, isHard } = deadline();
  return { deadlineAt: atMs, isDeadlineHard: isHard };
}
