/** A number that the reader set by dragging, kept in this browser. */

import { effect, signal, type Signal } from "@preact/signals";

/** A width or the like, between bounds. */
export function storedNumber(name: string, otherwise: number, least: number, most: number): Signal<number> {
  const key = `tracewell.${name}`;
  let value = otherwise;
  try {
    const found = Number(localStorage.getItem(key));
    if (found >= least && found <= most) value = found;
  } catch {
    // Storage may be forbidden; the width then lasts as long as the page.
  }
  const number = signal(value);
  effect(() => {
    try {
      localStorage.setItem(key, String(Math.round(number.value)));
    } catch {
      // As above.
    }
  });
  return number;
}
