/** The part of a trace's time that is on screen. Pure. */

/** Nanoseconds after the trace's start. */
export interface Window {
  from: number;
  to: number;
}

/** Nothing is zoomed in further than this. */
const SPAN_MIN_NANO = 10;

/** The whole of a trace; never empty, so that positions are always defined. */
export function whole(durationNano: number): Window {
  return { from: 0, to: Math.max(durationNano, SPAN_MIN_NANO) };
}

/** Keeps a window inside the trace and wide enough. */
export function clamp({ from, to }: Window, durationNano: number): Window {
  const all = whole(durationNano);
  const width = Math.min(Math.max(to - from, SPAN_MIN_NANO), all.to);
  const start = Math.min(Math.max(from, 0), all.to - width);
  return { from: start, to: start + width };
}

/** Zooms by `factor` (below 1 is in) and keeps the instant at `share` of the width where it is. */
export function zoom(window: Window, factor: number, share: number, durationNano: number): Window {
  const width = window.to - window.from;
  const fixed = window.from + width * share;
  return clamp({ from: fixed - width * factor * share, to: fixed + width * factor * (1 - share) }, durationNano);
}

/** Moves by a share of the width. */
export function pan(window: Window, share: number, durationNano: number): Window {
  const by = (window.to - window.from) * share;
  return clamp({ from: window.from + by, to: window.to + by }, durationNano);
}

/** A window around a span, with a margin on both sides. */
export function fit(start: number, duration: number, durationNano: number): Window {
  const margin = Math.max(duration * 0.08, SPAN_MIN_NANO / 2);
  return clamp({ from: start - margin, to: start + duration + margin }, durationNano);
}

export function isWhole(window: Window, durationNano: number): boolean {
  const all = whole(durationNano);
  return window.from <= 0 && window.to >= all.to;
}

/** Where an instant is, as a share of the window; outside of 0 to 1 it is not on screen. */
export function share(window: Window, nano: number): number {
  return (nano - window.from) / (window.to - window.from);
}

/** Round instants inside the window, 4 to 8 or so. */
export function ticks({ from, to }: Window, most: number): number[] {
  const rough = (to - from) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((candidate) => candidate >= rough) ?? power * 10;
  const result: number[] = [];
  for (let index = Math.ceil(from / step); index * step <= to; index += 1) result.push(index * step);
  return result;
}
