export interface UpdateConfig {
  /** 0: all at once. */
  readonly parallelism: number;
  readonly delayNs: number;
  readonly failureAction: "pause" | "continue" | "rollback";
  readonly monitorNs?: number;
  readonly maxFailureRatio: number;
  readonly order: "stop-first" | "start-first";
}

export interface UpdateStatus {
  readonly state: "updating" | "paused" | "completed" | "rollback_started" | "rollback_paused" | "rollback_completed";
  readonly startedAtMs?: number;
  readonly completedAtMs?: number;
  readonly message: string;
}
