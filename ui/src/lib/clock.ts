/** Points in time as the reader's zone shows them. */

import { zone } from "./preferences";
import { nanoToMs } from "./time";

const formats = new Map<string, Intl.DateTimeFormat>();

function format(ms: number, options: Intl.DateTimeFormatOptions): string {
  const timeZone = zone.value === "utc" ? "UTC" : undefined;
  const key = `${timeZone} ${JSON.stringify(options)}`;
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat("en-GB", { ...options, ...(timeZone ? { timeZone } : {}) });
    formats.set(key, found);
  }
  return found.format(ms);
}

const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;

/** "12:24:31" */
export const clock = (ms: number): string => format(ms, CLOCK);

/** "12:24:31.882" */
export const clockMs = (ms: number): string => format(ms, { ...CLOCK, fractionalSecondDigits: 3 });

/** "12:24" */
export const clockMinute = (ms: number): string => format(ms, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** "21 Aug" */
export const day = (ms: number): string => format(ms, { day: "numeric", month: "short" });

/** "2026-08-21" */
function isoDay(ms: number): string {
  const [date, month, year] = format(ms, { year: "numeric", month: "2-digit", day: "2-digit" }).split("/");
  return `${year}-${month}-${date}`;
}

/** "2026-08-21 12:24:31.221", to the millisecond. */
export const dateTime = (ms: number): string => `${isoDay(ms)} ${clockMs(ms)}`;

/** "2026-08-21 12:24:31.221000123", all that is known. */
export function dateTimeNano(nano: string): string {
  const seconds = Math.floor(nanoToMs(nano) / 1e3) * 1e3;
  return `${isoDay(seconds)} ${clock(seconds)}.${nano.slice(-9).padStart(9, "0")}`;
}

/** "12:24:31" today, "21 Aug 12:24" on other days. */
export function brief(ms: number, nowMs: number): string {
  return isoDay(ms) === isoDay(nowMs) ? clock(ms) : `${day(ms)} ${clockMinute(ms)}`;
}

/** The zone's name: "UTC" or "CET". */
export function zoneName(): string {
  if (zone.value === "utc") return "UTC";
  const parts = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" }).formatToParts(Date.now());
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? "local";
}

/** Milliseconds that the zone is ahead of UTC at that time. */
export function zoneOffsetMs(ms: number): number {
  return zone.value === "utc" ? 0 : -new Date(ms).getTimezoneOffset() * 60_000;
}

/** A label for a tick of a time axis whose ticks are `stepMs` apart. */
export function tickLabel(ms: number, stepMs: number): string {
  if (stepMs >= 86_400_000) return day(ms);
  if (stepMs >= 60_000) return clockMinute(ms);
  return stepMs >= 1_000 ? clock(ms) : clockMs(ms);
}

/** "3 min ago" */
export function ago(ms: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - ms) / 1e3));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}
