import { setTimeout as delay } from 'node:timers/promises';
import type { SandboxPool } from '../sandboxes/pool.ts';
import { callJson } from '../shared/call-json.ts';
import { describeError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import { type DrainState, nextDrainStep } from './drain-plan.ts';
import type { Engine } from './engine/engine.ts';
import { readEngineLoad } from './engine/engine-load.ts';
import type { RouterLink } from './routers/router-link.ts';

/** A router that does not answer for this long is not waited for: the drain goes on without it. */
const routerCallMs = 2_000;

export interface DrainParts {
  readonly engine: Engine;
  readonly pool: SandboxPool;
  readonly links: readonly RouterLink[];
  readonly log: Logger;
  readonly drainMs: number;
}

/**
 * The one way in which a runner gives up its engine: routers send nothing new, requests and turns in flight end, the
 * runner leaves the routers' lists, sandboxes and engine stop. Resolves when they are gone.
 */
export async function drain(parts: DrainParts): Promise<void> {
  const { engine, pool, links, log, drainMs } = parts;
  engine.beginDrain();
  pool.refuseWork();
  log.info('drain started', { drainMs });
  const startedAt = performance.now();
  let state: DrainState = {
    areRoutersTold: false,
    inFlight: undefined,
    busyTurns: pool.busyTurns,
    idleReadings: 0,
    deadlineAt: startedAt + drainMs,
    hasAborted: false,
  };
  for (;;) {
    const step = nextDrainStep(state, performance.now());
    switch (step.do) {
      case 'tell-routers':
        await tellRouters(links, log);
        state = await look(parts, { ...state, areRoutersTold: true });
        break;
      case 'wait':
        await delay(step.forMs);
        state = await look(parts, state);
        break;
      case 'abort-requests':
        log.warn('drain deadline passed, aborting', { requests: step.requests });
        await abortAll(engine, log);
        state = { ...(await look(parts, state)), hasAborted: true };
        break;
      case 'stop-engine':
        // Off the lists first, so that no router sees its port close.
        await Promise.all(links.map((link) => link.close(routerCallMs)));
        await pool.close();
        await engine.stop(step.graceMs);
        log.info('drain finished', { durationMs: Math.round(performance.now() - startedAt) });
        return;
    }
  }
}

async function tellRouters(links: readonly RouterLink[], log: Logger): Promise<void> {
  const results = await Promise.allSettled(links.map((link) => link.tell(routerCallMs)));
  for (const result of results) {
    if (result.status === 'rejected')
      log.warn('router not told of the drain', { detail: describeError(result.reason) });
  }
}

async function look({ engine, pool }: DrainParts, state: DrainState): Promise<DrainState> {
  const load = await readEngineLoad(engine.url);
  const inFlight = load && load.runningRequests + load.waitingRequests;
  const { busyTurns } = pool;
  const isIdle = inFlight === 0 && busyTurns === 0;
  return { ...state, inFlight, busyTurns, idleReadings: isIdle ? state.idleReadings + 1 : 0 };
}

async function abortAll(engine: Engine, log: Logger): Promise<void> {
  try {
    await callJson(`${engine.url}/abort_request`, { body: { abort_all: true }, timeoutMs: routerCallMs });
  } catch (error) {
    log.warn('abort failed', { detail: describeError(error) });
  }
}
