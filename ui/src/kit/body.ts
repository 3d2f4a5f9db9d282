/** The body of a log record as text. Pure. */

import type { AttributeValue } from "../api/types";

/** All of it: a text as it is, anything else as JSON. */
export function bodyText(body: AttributeValue): string {
  return typeof body === "string" ? body : body === null ? "" : JSON.stringify(body, null, 2);
}

const SHOWN_MAX = 2_000;

/** As much as a line of a list can show. */
export function bodyLine(body: AttributeValue): string {
  const text = typeof body === "string" ? body : body === null ? "" : JSON.stringify(body);
  return text.slice(0, SHOWN_MAX).replace(/\s+/g, " ");
}
