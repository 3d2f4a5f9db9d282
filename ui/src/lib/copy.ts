/** The clipboard, and the short message that says what went there. */

import { signal } from "@preact/signals";

/** What the reader is told for a moment, and screen readers are told at once. */
export const notice = signal("");

let timer = 0;

/** Shows a message for three seconds. */
export function tell(message: string): void {
  clearTimeout(timer);
  notice.value = message;
  timer = window.setTimeout(() => (notice.value = ""), 3_000);
}

/** Copies a text. */
export async function copy(text: string, what = "Copied"): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    tell(what);
  } catch {
    tell("The browser does not allow copying here. Select the text and copy it by hand.");
  }
}
