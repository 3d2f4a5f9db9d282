/** What the heatmap of durations over time draws. Pure. */

import type { SpanHistogram } from "../../api/types";

export interface Cell {
  column: number;
  /** From below: 0 is the shortest duration class in use. */
  row: number;
  count: number;
  /** From 0 to 1, by the logarithm of the count. */
  strength: number;
}

export interface Heat {
  columns: number;
  /** Duration classes from the shortest to the longest one in use. */
  rows: number;
  /** The first of them. */
  firstClass: number;
  /** How many neighbouring classes are drawn as one row. */
  merged: number;
  cells: Cell[];
  /** Share of errors by column. */
  errors: number[];
}

const ROWS_MIN = 6;
/** More rows are too thin to tell apart. */
const ROWS_MAX = 24;

/** Lays the cells out; undefined when there is nothing to draw. */
export function heatOf({ buckets, durationBoundsNano }: SpanHistogram): Heat | undefined {
  const used = durationBoundsNano
    .concat(Infinity)
    .map((_, index) => buckets.some(({ durations }) => (durations[index] ?? 0) > 0));
  const [lowest, highest] = [used.indexOf(true), used.lastIndexOf(true)];
  if (lowest < 0) return undefined;
  const firstClass = Math.max(0, Math.min(lowest, highest - ROWS_MIN + 1));
  const merged = Math.ceil((highest - firstClass + 1) / ROWS_MAX);
  const rows = Math.ceil((highest - firstClass + 1) / merged);
  const counts = buckets.map(({ durations }) => {
    const column = new Array<number>(rows).fill(0);
    durations.forEach((count, index) => {
      if (count > 0) column[Math.floor((index - firstClass) / merged)]! += count;
    });
    return column;
  });
  const most = Math.max(...counts.flat());
  const cells = counts.flatMap((column, index) =>
    column.flatMap((count, row) =>
      count > 0 ? [{ column: index, row, count, strength: Math.log1p(count) / Math.log1p(most) }] : [],
    ),
  );
  const errors = buckets.map(({ count, errorCount }) => (count > 0 ? errorCount / count : 0));
  return { columns: buckets.length, rows, firstClass, merged, cells, errors };
}

/** The duration at the upper edge of a row; undefined above the last bound. */
export function upperEdge(heat: Heat, bounds: readonly number[], row: number): number | undefined {
  return bounds[heat.firstClass + (row + 1) * heat.merged - 1];
}

/** The duration at the lower edge of a row. */
export function lowerEdge(heat: Heat, bounds: readonly number[], row: number): number {
  return bounds[heat.firstClass + row * heat.merged - 1] ?? 0;
}

const ROUND_NANO = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12];

/** Labels of the duration axis: round durations and their height from below, as a share. */
export function durationTicks(heat: Heat, bounds: readonly number[]): { nano: number; share: number }[] {
  return ROUND_NANO.flatMap((nano) => {
    const above = bounds.findIndex((bound) => bound >= nano);
    if (above <= heat.firstClass || above >= heat.firstClass + heat.rows * heat.merged) return [];
    const [low, high] = [bounds[above - 1]!, bounds[above]!];
    const within = (Math.log(nano) - Math.log(low)) / (Math.log(high) - Math.log(low));
    return [{ nano, share: (above - heat.firstClass + within) / (heat.rows * heat.merged) }];
  });
}
