/** Whether a number of a service moved since the range before. Pure. */

import type { ServiceSummary } from "../../api/types";

export type Trend = "up" | "down" | "same";

/** Fewer spans than these say nothing. */
const SPANS_MIN = 30;
const LATENCY_FACTOR = 1.3;
const ERROR_SHARE_STEP = 0.01;

/** Errors got more or fewer by at least one in a hundred. */
export function errorTrend(now: ServiceSummary, before: ServiceSummary | undefined): Trend {
  if (!before || now.spanCount < SPANS_MIN || before.spanCount < SPANS_MIN) return "same";
  const change = now.errorCount / now.spanCount - before.errorCount / before.spanCount;
  return Math.abs(change) < ERROR_SHARE_STEP ? "same" : change > 0 ? "up" : "down";
}

/** The 95th percentile grew or shrank by a third. */
export function latencyTrend(now: ServiceSummary, before: ServiceSummary | undefined): Trend {
  if (!before?.p95Nano || !now.p95Nano || now.spanCount < SPANS_MIN || before.spanCount < SPANS_MIN) return "same";
  if (now.p95Nano > before.p95Nano * LATENCY_FACTOR) return "up";
  return now.p95Nano * LATENCY_FACTOR < before.p95Nano ? "down" : "same";
}

export type SortKey = "name" | "rate" | "errors" | "p50" | "p95" | "logs";

const VALUES: Readonly<Record<Exclude<SortKey, "name">, (service: ServiceSummary) => number>> = {
  rate: ({ ratePerSecond }) => ratePerSecond,
  errors: ({ errorCount, spanCount }) => (spanCount > 0 ? errorCount / spanCount : 0),
  p50: ({ p50Nano }) => p50Nano ?? -1,
  p95: ({ p95Nano }) => p95Nano ?? -1,
  logs: ({ logCount }) => logCount,
};

/** Names from A on, numbers from the greatest on; ties by name. */
export function sortServices(services: readonly ServiceSummary[], key: SortKey): ServiceSummary[] {
  const byName = (a: ServiceSummary, b: ServiceSummary) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  if (key === "name") return services.toSorted(byName);
  const value = VALUES[key];
  return services.toSorted((a, b) => value(b) - value(a) || byName(a, b));
}
