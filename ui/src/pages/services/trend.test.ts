import { expect, it } from "vitest";
import type { ServiceSummary } from "../../api/types";
import { errorTrend, latencyTrend, sortServices } from "./trend";

const service = (changes: Partial<ServiceSummary>): ServiceSummary => ({
  isOther: false,
  name: "shop",
  spanCount: 100,
  errorCount: 0,
  ratePerSecond: 1,
  p50Nano: 10,
  p95Nano: 100,
  p99Nano: 200,
  logCount: 0,
  series: { startTimeUnixNano: "0", bucketNano: 1, spanCounts: [], errorCounts: [], p95Nano: [] },
  ...changes,
});

it("errors count as moved from one in a hundred on", () => {
  expect(errorTrend(service({ errorCount: 3 }), service({}))).toBe("up");
  expect(errorTrend(service({}), service({ errorCount: 3 }))).toBe("down");
  expect(errorTrend(service({ spanCount: 1000, errorCount: 1 }), service({}))).toBe("same");
});

it("latency counts as moved from a third on, and only with enough spans", () => {
  expect(latencyTrend(service({ p95Nano: 140 }), service({}))).toBe("up");
  expect(latencyTrend(service({ p95Nano: 60 }), service({}))).toBe("down");
  expect(latencyTrend(service({ p95Nano: 120 }), service({}))).toBe("same");
  expect(latencyTrend(service({ p95Nano: 900, spanCount: 5 }), service({}))).toBe("same");
  expect(latencyTrend(service({ p95Nano: null }), service({}))).toBe("same");
  expect(latencyTrend(service({}), undefined)).toBe("same");
});

it("numbers sort from the greatest, names from A, ties by name", () => {
  const list = [service({ name: "b" }), service({ name: "a" }), service({ name: "c", ratePerSecond: 9 })];
  expect(sortServices(list, "rate").map(({ name }) => name)).toEqual(["c", "a", "b"]);
  expect(sortServices(list, "name").map(({ name }) => name)).toEqual(["a", "b", "c"]);
});
