import type { IdRange } from "../../model/id-map.ts";

/** A line of /etc/subuid or /etc/subgid: ids that its user may give away. */
export interface SubordinateRange {
  /** A name or a number. */
  readonly user: string;
  readonly start: number;
  readonly count: number;
}

/** How many a user of the daemon's making is given, and from where on. @see moby internal/usergroup. */
export const NEW_RANGE_COUNT = 65_536;
const NEW_RANGE_START = 100_000;

const LINE = /^([^:]*):(\d+):(\d+)$/;

/** What is no such line gives nothing away. */
export function parseSubordinateIds(text: string): readonly SubordinateRange[] {
  return text.split("\n").flatMap(line => {
    const [, user, start, count] = LINE.exec(line.trim()) ?? [];
    return user === undefined || Number(count) === 0 ? [] : [{ user, start: Number(start), count: Number(count) }];
  });
}

/** A user's ranges in the order of the file, one after the other from a container's id 0 on. */
export function idRangesOf(
  ranges: readonly SubordinateRange[],
  user: { readonly name: string; readonly uid: number },
): readonly IdRange[] {
  let containerId = 0;
  return ranges
    .filter(range => range.user === user.name || range.user === String(user.uid))
    .map(({ start, count }) => {
      const range = { containerId, hostId: start, count };
      containerId += count;
      return range;
    });
}

/** Where a new range begins that meets none of these; unlike Docker's, not one that lies wholly in it either. */
export function nextRangeStart(ranges: readonly SubordinateRange[]): number {
  let next = NEW_RANGE_START;
  for (const { start, count } of ranges.toSorted((left, right) => left.start - right.start)) {
    const end = start + count;
    if (start <= next + NEW_RANGE_COUNT && end >= next) next = end;
  }
  return next;
}
