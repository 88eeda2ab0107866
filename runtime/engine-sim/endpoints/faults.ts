import { z } from 'zod';
import { faultSchema } from '../faults/fault.ts';
import type { Exchange } from '../http/exchange.ts';
import type { ServerState } from '../server-state.ts';
import { readJson } from './request-body.ts';

/** GET, POST and DELETE /sim/faults: the one route that no SGLang has. */

export function listFaults(exchange: Exchange, { faults }: ServerState): void {
  exchange.sendJson(200, { armed: faults.list() });
}

export async function armFault(exchange: Exchange, server: ServerState): Promise<void> {
  const parsed = faultSchema.safeParse(await readJson(exchange));
  if (!parsed.success) {
    exchange.sendJson(400, { error: { message: z.prettifyError(parsed.error) } });
    return;
  }
  if (parsed.data.kind === 'refuse') {
    const { durationMs } = parsed.data;
    exchange.response.once('finish', () => server.refuseConnections(durationMs));
  } else {
    server.faults.arm(parsed.data);
  }
  exchange.sendJson(200, { armed: server.faults.list() });
}

export function clearFaults(exchange: Exchange, { faults }: ServerState): void {
  faults.clear();
  exchange.sendJson(200, { armed: [] });
}
