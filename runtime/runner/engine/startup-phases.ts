/** One part of an engine's start. */
export interface StartupPhaseTime {
  /** E.g. `load-weight`. */
  readonly name: string;
  readonly seconds: number;
}
