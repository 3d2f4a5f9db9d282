/** Addresses of the requests that several parts make, for the query and range of the page. */

import { param } from "../lib/route";
import { resolved } from "../lib/range";
import { during, url } from "./client";
import type { Signal } from "./types";

/** `/traces`, `/logs/histogram` and so on, with `q` and the range. */
export function searchAddress(
  signal: Signal,
  part: string,
  more: Readonly<Record<string, string | number>> = {},
): string {
  return url(`/${signal}${part}`, { q: param("q"), ...during(resolved.value), ...more });
}
