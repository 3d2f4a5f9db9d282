/** Links that several pages make. */

import { rangeParameters } from "./range";
import { href } from "./route";

/** A trace, with the range for the way back. */
export function traceHref(traceId: string): string {
  return href(`/trace/${traceId}`, rangeParameters());
}
