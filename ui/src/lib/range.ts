/** The one time range of the whole UI: in the URL as written, and resolved once per step of the history. */

import { computed, signal } from "@preact/signals";
import { hrefWith, location, param, push, recall, remember } from "./route";
import { DEFAULT_RANGE, PRESETS, resolve, type ResolvedRange, type TimeRange } from "./time";

/** Counts the times the reader asked for newer data; part of the key of what is asked for without a range. */
export const refreshes = signal(0);

/** The range as the URL has it. */
export const range = computed<TimeRange>(() => ({
  start: param("start") || DEFAULT_RANGE.start,
  end: param("end") || DEFAULT_RANGE.end,
}));

const rangeKey = computed(() => `${performance.timeOrigin} ${refreshes.value} ${range.value.start} ${range.value.end}`);

interface Remembered {
  key: string;
  range: ResolvedRange;
}

let last: Remembered | undefined;

/**
 * The range in milliseconds. All parts of a page share it, and it stays what it was when the reader comes back to a step
 * of the history; a new step or a refresh moves it to the present.
 */
export const resolved = computed<ResolvedRange>(() => {
  const key = rangeKey.value;
  void location.value.path;
  const known = recall("range") as Remembered | undefined;
  if (known?.key === key) return keepSame(known);
  const fresh = { key, range: resolve(range.value, Date.now()) };
  remember("range", fresh);
  return keepSame(fresh);
});

/** Equal ranges are one object, so that nothing is computed again in vain. */
function keepSame(found: Remembered): ResolvedRange {
  const isSame = last?.range.startMs === found.range.startMs && last.range.endMs === found.range.endMs;
  if (!isSame) last = found;
  return last!.range;
}

/** Moves a relative range to the present. */
export function refresh(): void {
  refreshes.value += 1;
}

/** The parameters that carry the range to another page. */
export function rangeParameters(): { start: string | undefined; end: string | undefined } {
  return { start: param("start") || undefined, end: param("end") || undefined };
}

/** Chooses a range. */
export function setRange({ start, end }: TimeRange): void {
  push(hrefWith({ start, end: end === "now" ? undefined : end, cursor: undefined }));
}

/** Zooms to what was brushed. */
export function setAbsoluteRange(startMs: number, endMs: number): void {
  setRange({ start: new Date(startMs).toISOString(), end: new Date(Math.max(endMs, startMs + 1)).toISOString() });
}

/** The preset's name, if the range is one. */
export function presetName({ start, end }: TimeRange): string | undefined {
  return end === "now" ? PRESETS.find(([preset]) => preset === start)?.[1] : undefined;
}
