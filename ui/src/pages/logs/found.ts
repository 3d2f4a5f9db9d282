/** How many lines there are, in words. Pure. */

import { plural } from "../../lib/format";

export interface Found {
  /** What the server counted, when it has. */
  total: number | undefined;
  /** Lines in the list. */
  listed: number;
  /** Those of them that came by the tail. */
  live: number;
  /** Whether the list goes on. */
  hasMore: boolean;
  /** Until when was counted, as the reader's clock shows it; undefined when nothing is followed. */
  countedTo: string | undefined;
}

/** The total moves with the clock while lines are followed, and says until when it counts; new lines are on top of it. */
export function foundWords({ total, listed, live, hasMore, countedTo }: Found): string {
  if (total === undefined) return hasMore ? `${plural(listed, "line")} listed, more below` : plural(listed, "line");
  if (countedTo !== undefined) return `${plural(total, "line")} up to ${countedTo}`;
  return live > 0 ? `${plural(total, "line")}, and ${live} new` : plural(Math.max(total, listed), "line");
}
