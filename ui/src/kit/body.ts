/** The body of a log record as text. Pure. */

import type { AttributeValue } from "../api/types";

/** All of it, to be read: a text as it is, but JSON in lines. */
export function bodyText(body: AttributeValue): string {
  if (body === null) return "";
  if (typeof body !== "string") return JSON.stringify(body, null, 2);
  if (!/^\s*[{[]/.test(body)) return body;
  try {
    return exactJson(body);
  } catch {
    return body;
  }
}

/** The lines of a JSON text; as it is when numbers would lose digits. */
function exactJson(text: string): string {
  const parsed: unknown = JSON.parse(text);
  const dense = text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, "$1");
  return JSON.stringify(parsed) === dense ? JSON.stringify(parsed, null, 2) : text;
}

const SHOWN_MAX = 2_000;

/** As much as a line of a list can show. */
export function bodyLine(body: AttributeValue): string {
  const text = typeof body === "string" ? body : body === null ? "" : JSON.stringify(body);
  return text.slice(0, SHOWN_MAX).replace(/\s+/g, " ");
}
