/** The machine's GPUs as `nvidia-smi` last told. */
export interface GpuStatus {
  readonly driverVersion: string | null;
  readonly gpus: readonly GpuFacts[];
  /** Why GPUs count as failing; null while all is well. */
  readonly failure: GpuFailure | null;
  /** Time of the reading, ISO 8601. */
  readonly at: string;
}

export interface GpuFacts {
  readonly index: number;
  readonly name: string;
  /** Null where the GPU shares the machine's memory. */
  readonly memoryMiB: number | null;
  /** Uncorrectable memory errors since the last reset; null when the GPU does not count them. */
  readonly uncorrectedEccErrors: number | null;
}

export interface GpuFailure {
  /** What was seen, in words. */
  readonly reason: string;
  /** True when only a reset or another machine helps; false when the reading itself failed and may succeed again. */
  readonly isFatal: boolean;
  /** ISO 8601. */
  readonly at: string;
}
