/**
 * A point in what the managers of a cluster have applied. Raft's index alone would not do: a manager that goes on alone counts on
 * from where it was, and the others may have been further.
 */
export interface HistoryPosition {
  /** How often one manager has gone on alone: made to, or from a backup. */
  readonly epoch: number;
  /** Of the last entry that was applied. */
  readonly index: number;
}

export function isLater(a: HistoryPosition, b: HistoryPosition): boolean {
  return a.epoch === b.epoch ? a.index > b.index : a.epoch > b.epoch;
}

/** As certificates say it. */
export function positionText({ epoch, index }: HistoryPosition): string {
  return `${epoch}.${index}`;
}

/** Nothing when it is none. */
export function positionIn(text: string): HistoryPosition | undefined {
  const [, epoch, index] = /^(\d{1,15})\.(\d{1,15})$/.exec(text) ?? [];
  return epoch === undefined ? undefined : { epoch: Number(epoch), index: Number(index) };
}
