/** What the heatmap of durations over time draws. Pure. */

import type { SpanHistogram } from "../../api/types";

export interface Cell {
  column: number;
  /** From below: 0 is the shortest duration class in use. */
  row: number;
  /** From 0 to 1, by the logarithm of the count. */
  strength: number;
}

export interface Heat {
  columns: number;
  /** Duration classes from the shortest to the longest one in use. */
  rows: number;
  /** The first of them. */
  firstClass: number;
  cells: Cell[];
  /** Share of errors by column. */
  errors: number[];
}

const ROWS_MIN = 6;

/** Lays the cells out; undefined when there is nothing to draw. */
export function heatOf(histogram: SpanHistogram): Heat | undefined {
  const { buckets, durationBoundsNano } = histogram;
  const totals = new Array<number>(durationBoundsNano.length + 1).fill(0);
  let most = 0;
  for (const { durations } of buckets) {
    durations.forEach((count, index) => {
      totals[index] = (totals[index] ?? 0) + count;
      most = Math.max(most, count);
    });
  }
  const lowest = totals.findIndex((total) => total > 0);
  if (lowest < 0) return undefined;
  const highest = totals.findLastIndex((total) => total > 0);
  const firstClass = Math.max(0, Math.min(lowest, highest - ROWS_MIN + 1));
  const cells = buckets.flatMap(({ durations }, column) =>
    durations.flatMap((count, index) =>
      count > 0 ? [{ column, row: index - firstClass, strength: Math.log1p(count) / Math.log1p(most) }] : [],
    ),
  );
  return {
    columns: buckets.length,
    rows: highest - firstClass + 1,
    firstClass,
    cells,
    errors: buckets.map(({ count, errorCount }) => (count > 0 ? errorCount / count : 0)),
  };
}

/** The duration at the upper edge of a row; undefined above the last bound. */
export function upperEdge(heat: Heat, bounds: readonly number[], row: number): number | undefined {
  return bounds[heat.firstClass + row];
}

/** The duration at the lower edge of a row. */
export function lowerEdge(heat: Heat, bounds: readonly number[], row: number): number {
  return heat.firstClass + row > 0 ? (bounds[heat.firstClass + row - 1] ?? 0) : 0;
}

const ROUND_NANO = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12];

/** Labels of the duration axis: round durations and their height from below, as a share. */
export function durationTicks(heat: Heat, bounds: readonly number[]): { nano: number; share: number }[] {
  return ROUND_NANO.flatMap((nano) => {
    const above = bounds.findIndex((bound) => bound >= nano);
    if (above <= heat.firstClass || above >= heat.firstClass + heat.rows) return [];
    const [low, high] = [bounds[above - 1]!, bounds[above]!];
    const within = (Math.log(nano) - Math.log(low)) / (Math.log(high) - Math.log(low));
    return [{ nano, share: (above - heat.firstClass + within) / heat.rows }];
  });
}
