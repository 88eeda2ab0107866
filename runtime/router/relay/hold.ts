import type { ServerResponse } from 'node:http';
import type { Registry } from '../coordinator/registry.ts';

/** Resolves true when a worker becomes ready, false after `timeoutMs` or when the client leaves. */
export function becomesReady(registry: Registry, response: ServerResponse, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (became: boolean) => {
      clearTimeout(timer);
      registry.off('ready', onReady);
      response.off('close', onClose);
      resolve(became);
    };
    const onReady = () => finish(true);
    const onClose = () => finish(false);
    const timer = setTimeout(() => finish(false), Math.max(0, timeoutMs));
    registry.on('ready', onReady);
    response.on('close', onClose);
  });
}
