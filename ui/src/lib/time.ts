/** Points in time and ranges. Pure: the clock is a parameter. Nanoseconds travel as strings or bigints, never as numbers. */

/** What the time control says: relative or absolute, as written in the URL and accepted by the API. */
export interface TimeRange {
  start: string;
  end: string;
}

/** The same range at one moment, in milliseconds since 1970. */
export interface ResolvedRange {
  startMs: number;
  endMs: number;
}

export const DEFAULT_RANGE: TimeRange = { start: "now-1h", end: "now" };

/** The ranges offered first. */
export const PRESETS: readonly (readonly [string, string])[] = [
  ["now-5m", "Last 5 min"],
  ["now-15m", "Last 15 min"],
  ["now-30m", "Last 30 min"],
  ["now-1h", "Last 1 h"],
  ["now-3h", "Last 3 h"],
  ["now-12h", "Last 12 h"],
  ["now-1d", "Last 24 h"],
  ["now-3d", "Last 3 d"],
  ["now-7d", "Last 7 d"],
  ["now-30d", "Last 30 d"],
];

const UNIT_MS: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3600e3, d: 86400e3, w: 604800e3 };

/** Milliseconds of `now`, `now-15m`, a Unix time of any unit or a date; undefined when it is none of them. */
export function parseInstant(text: string, nowMs: number): number | undefined {
  if (text === "now") return nowMs;
  const relative = /^now-(\d{1,9})([smhdw])$/.exec(text);
  if (relative) return nowMs - Number(relative[1]) * UNIT_MS[relative[2]!]!;
  if (/^\d{1,19}$/.test(text)) return unixToMs(text);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : date;
}

/** Unix seconds, milliseconds, microseconds or nanoseconds, told apart by magnitude. */
function unixToMs(digits: string): number {
  if (digits.length <= 11) return Number(digits) * 1e3;
  if (digits.length <= 14) return Number(digits);
  return digits.length <= 17 ? Number(digits) / 1e3 : Number(digits) / 1e6;
}

/** The range at the moment `nowMs`; a range that makes no sense becomes the default one. */
export function resolve(range: TimeRange, nowMs: number): ResolvedRange {
  const startMs = parseInstant(range.start, nowMs);
  const endMs = parseInstant(range.end, nowMs);
  if (startMs === undefined || endMs === undefined || endMs <= startMs) return resolve(DEFAULT_RANGE, nowMs);
  return { startMs, endMs };
}

/** Whether the range moves with the clock. */
export function isRelative(range: TimeRange): boolean {
  return range.end.startsWith("now") || range.start.startsWith("now");
}

/** The range of the same length just before. */
export function previous({ startMs, endMs }: ResolvedRange): ResolvedRange {
  return { startMs: startMs - (endMs - startMs), endMs: startMs };
}

/** Whole milliseconds as the API's string of nanoseconds. */
export function msToNano(ms: number): string {
  return `${Math.round(ms)}000000`;
}

/** Milliseconds, with fraction, of a string of nanoseconds. */
export function nanoToMs(nano: string): number {
  return Number(nano) / 1e6;
}

const TICK_STEPS_MS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 10e3, 15e3, 30e3, 60e3, 120e3, 300e3, 600e3, 900e3, 1800e3, 3600e3,
  7200e3, 10800e3, 21600e3, 43200e3, 86400e3, 172800e3, 604800e3, 2592000e3, 31536000e3,
];

/** Round instants inside the range, at most `most` of them; `offsetMs` is the zone's distance from UTC. */
export function clockTicks({ startMs, endMs }: ResolvedRange, most: number, offsetMs: number): number[] {
  const step = TICK_STEPS_MS.find((candidate) => (endMs - startMs) / candidate <= most) ?? TICK_STEPS_MS.at(-1)!;
  const ticks: number[] = [];
  for (let tick = Math.ceil((startMs + offsetMs) / step) * step - offsetMs; tick < endMs; tick += step)
    ticks.push(tick);
  return ticks;
}
