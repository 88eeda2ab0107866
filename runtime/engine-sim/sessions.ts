import { fail } from './errors.ts';
import { randomId } from './http/random-id.ts';
import { isSet, numberField, textField } from './validation/field-checks.ts';
import type { JsonObject } from './validation/json-body.ts';

interface Turn {
  readonly prompt: Int32Array;
  readonly outputIds: readonly number[];
}

/** Server-side conversations of the native route: a request may go on from any earlier one of its session. */
export class Sessions {
  readonly #turnsById = new Map<string, Map<string, Turn>>();

  get active(): number {
    return this.#turnsById.size;
  }

  /** The id of the new session. Throws SESSION_EXISTS when that id is open. */
  open(id: string = randomId()): string {
    if (this.#turnsById.has(id)) throw fail('SESSION_EXISTS');
    this.#turnsById.set(id, new Map());
    return id;
  }

  /** Whether there was such a session. */
  close(id: string): boolean {
    return this.#turnsById.delete(id);
  }

  /**
   * The prompt of a request with `session_params`: what the named earlier request had and said, then the new tokens.
   * `offset` cuts the old tokens there and `drop_previous_output` leaves the old answer out. Without `rid` the request
   * starts afresh. Throws SESSION_UNKNOWN.
   */
  extend(parameters: JsonObject, prompt: Int32Array): Int32Array {
    const id = textField(parameters, 'id') ?? '';
    const turns = this.#turnsById.get(id);
    if (turns === undefined) throw fail('SESSION_UNKNOWN', { id });
    const previous = turns.get(textField(parameters, 'rid') ?? '');
    if (previous === undefined) return prompt;
    const output = isSet(parameters, 'drop_previous_output') ? [] : previous.outputIds;
    const history = [...previous.prompt, ...output];
    const offset = numberField(parameters, 'offset') ?? -1;
    return Int32Array.from([...(offset >= 0 ? history.slice(0, offset) : history), ...prompt]);
  }

  record(id: string, rid: string, turn: Turn): void {
    this.#turnsById.get(id)?.set(rid, turn);
  }
}
