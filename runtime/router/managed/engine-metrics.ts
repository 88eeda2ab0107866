import { Counter, Gauge, type Registry } from 'prom-client';
import type { EngineView } from './engine-view.ts';

/** What carries the requests of this router, for Prometheus; read when it is scraped. */
export function observeRouterEngine(registry: Registry, view: () => EngineView): void {
  const registers = [registry];
  new Gauge({
    name: 'fleet_router_engine_state',
    help: 'What carries the requests, builtin or sglang-router: the state that it is in has the value 1.',
    labelNames: ['engine', 'state'],
    registers,
    collect() {
      this.reset();
      const { name, state } = view();
      this.set({ engine: name, state }, 1);
    },
  });
  new Counter({
    name: 'fleet_router_engine_restarts_total',
    help: 'Launches of sglang-router after the first one.',
    registers,
    collect() {
      this.reset();
      this.inc(view().restarts);
    },
  });
  new Gauge({
    name: 'fleet_router_engine_workers',
    help: 'Workers that the engine routes to.',
    registers,
    collect() {
      this.set(view().workers);
    },
  });
}
