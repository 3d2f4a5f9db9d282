import { describe, expect, it } from "vitest";
import type { SpanHistogram } from "../../api/types";
import { durationTicks, heatOf, lowerEdge, upperEdge } from "./heat";

const bounds = [1e5, 1e6, 1e7, 1e8, 1e9];

function histogram(buckets: number[][]): SpanHistogram {
  return {
    startTimeUnixNano: "0",
    bucketNano: 1,
    durationBoundsNano: bounds,
    buckets: buckets.map((durations) => ({ count: durations.reduce((a, b) => a + b, 0), errorCount: 1, durations })),
    count: 0,
    errorCount: 0,
    p50Nano: null,
    p95Nano: null,
    exactness: { state: "exact" },
    statistics: { elapsedMs: 0, segmentsTotal: 0, segmentsRead: 0, rowsScanned: 0 },
  };
}

describe("heat", () => {
  const heat = heatOf(
    histogram([
      [0, 0, 4, 0, 0, 0],
      [0, 0, 0, 0, 0, 1],
    ]),
  )!;

  it("spans the classes in use, and draws only what is there", () => {
    expect(heat.rows).toBe(6);
    expect(heat.firstClass).toBe(0);
    expect(heat.cells.map(({ column, row }) => [column, row])).toEqual([
      [0, 2],
      [1, 5],
    ]);
    expect(heat.cells[0]!.strength).toBe(1);
    expect(heat.errors).toEqual([0.25, 1]);
  });

  it("knows the durations at its edges", () => {
    expect(lowerEdge(heat, bounds, 0)).toBe(0);
    expect(lowerEdge(heat, bounds, 2)).toBe(1e6);
    expect(upperEdge(heat, bounds, 2)).toBe(1e7);
    expect(upperEdge(heat, bounds, 5)).toBeUndefined();
  });

  it("puts ticks where their durations are", () => {
    const ticks = durationTicks(heat, bounds);
    expect(ticks.find(({ nano }) => nano === 1e7)!.share).toBeCloseTo(3 / 6);
  });

  it("draws many classes as few rows, without losing a span", () => {
    const fine = Array.from({ length: 60 }, (_, index) => 1e3 * 1.4 ** index);
    const many = heatOf({ ...histogram([new Array<number>(61).fill(2)]), durationBoundsNano: fine })!;
    expect(many.rows).toBeLessThanOrEqual(24);
    expect(many.cells.reduce((sum, { count }) => sum + count, 0)).toBe(122);
    expect(upperEdge(many, fine, 0)).toBe(lowerEdge(many, fine, 1));
    expect(lowerEdge(many, fine, 0)).toBe(0);
    expect(upperEdge(many, fine, many.rows - 1)).toBeUndefined();
  });

  it("is nothing without spans", () => expect(heatOf(histogram([[0, 0, 0, 0, 0, 0]]))).toBeUndefined());
});
