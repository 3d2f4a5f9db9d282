/** Links from a service to what it did. */

import { rangeParameters } from "../../lib/range";
import { href } from "../../lib/route";
import { addTerm } from "../../query/edit";

const equal = (field: string, value: string) => ({ field, operator: ":", value, negated: false });

/** Its traces; with `error` only the failed ones; with `operation` only those. */
export function tracesOf(
  service: string,
  more: { error?: boolean; operation?: string; slowerThan?: string } = {},
): string {
  let query = addTerm("", equal("service", service));
  if (more.operation !== undefined) query = addTerm(query, equal("name", more.operation));
  if (more.error) query = addTerm(query, equal("status", "error"));
  if (more.slowerThan) query = addTerm(query, { ...equal("duration", more.slowerThan), operator: ">=" });
  return href("/traces", { ...rangeParameters(), q: query });
}

/** Its logs. */
export function logsOf(service: string): string {
  return href("/logs", { ...rangeParameters(), q: addTerm("", equal("service", service)) });
}
