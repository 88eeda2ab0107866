import type { Exchange } from '../http/exchange.ts';
import { renderSchedulerMetrics } from '../metrics/scheduler-gauges.ts';
import type { ServerState } from '../server-state.ts';

/** GET /metrics, chunked as the Prometheus client's own application answers. */
export function metrics(exchange: Exchange, server: ServerState): void {
  const { options, engine } = server;
  const text =
    server.metrics.render() +
    renderSchedulerMetrics(engine.core.snapshot(), options.settings, options.contextLength, options.modelName);
  exchange.startStream('text/plain; version=0.0.4; charset=utf-8', 'Content-Type');
  exchange.write(text);
  exchange.end();
}
