import { blockTokens } from '../../../runtime/cli/replay/trace.ts';
import type { OfflineRouterMaker } from '../offline-router.ts';
import { PrototypeBooks } from './prototype-books.ts';

/** The yardstick in an offline run. */
export const offlinePrototype: OfflineRouterMaker = (engines) => {
  const books = new PrototypeBooks(engines.map((engine) => Math.floor(engine.snapshot().maxTotalTokens / blockTokens)));
  return {
    name: 'prototype',
    send(id, facts, nowMs) {
      const { index, predictedMs } = books.send(id, facts, nowMs);
      return { engine: index, predictedMs };
    },
    firstToken: (id, nowMs) => books.firstToken(id, nowMs),
    end: (id) => books.end(id),
  };
};
