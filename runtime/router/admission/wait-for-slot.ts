import type { Closable } from '../front/closable.ts';
import { Slot, type Waiting } from './slot.ts';

/**
 * The slot that `Admission.enter` or `Slot.move` gave, or the promise of it. A client that leaves while it waits leaves
 * the queue. Rejects as `Waiting.granted` does.
 */
export function waitForSlot<W>(entered: Slot<W> | Waiting<W>, response: Closable): Slot<W> | Promise<Slot<W>> {
  if (entered instanceof Slot) return entered;
  response.once('close', entered.cancel);
  return entered.granted.finally(() => response.off('close', entered.cancel));
}
