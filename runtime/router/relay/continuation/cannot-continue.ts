/** Thrown inside the planning when a stream cannot be continued; the message says why, in words for a log line. */
export class CannotContinue extends Error {
  override readonly name = 'CannotContinue';
}
