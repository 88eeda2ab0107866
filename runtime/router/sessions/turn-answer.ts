import type { CodedError } from '../../shared/errors.ts';
import type { ChatChunk } from '../../shared/sandbox-protocol.ts';
import type { RecordedTurn } from '../store/turn-queries.ts';

/** The client's side of one turn. Nothing here fails or waits: a client that left or is slow does not hold up a turn. */
export interface TurnAnswer {
  /** As the last chunk said; `stop` until one has. */
  readonly finishReason: string;
  /** The next piece of the answer. */
  chunk(chunk: ChatChunk): void;
  /** The turn is recorded: sends what was held back, or all of it. */
  finish(turn: RecordedTurn): void;
  /** The turn is not recorded and will not be. */
  fail(error: CodedError): void;
}
