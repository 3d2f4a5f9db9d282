/** Which rows of a trace are on screen: collapsed subtrees, folded repeats, only matches, another root. Pure. */

import { ancestors, isWithin, type TraceTree } from "./tree";

/** What the reader did to the tree. */
export interface Shape {
  /** Rows whose descendants are hidden. */
  collapsed: ReadonlySet<number>;
  /** Whether runs of like leaves are drawn as one row. */
  foldRepeats: boolean;
  /** First rows of the runs that are drawn in full nevertheless. */
  unfolded: ReadonlySet<number>;
  /** The row shown as the only root, -1 for the whole trace. */
  top: number;
  /** Show these rows and their ancestors only. */
  only: Uint8Array | undefined;
}

export const WHOLE: Shape = { collapsed: new Set(), foldRepeats: true, unfolded: new Set(), top: -1, only: undefined };

/** Rows to draw, from above to below. */
export function visibleRows(tree: TraceTree, shape: Shape): Int32Array {
  const from = Math.max(shape.top, 0);
  const to = shape.top >= 0 ? tree.end[shape.top]! : tree.end.length;
  const kept = shape.only && withAncestors(tree, shape.only);
  const rows = new Int32Array(to - from);
  let size = 0;
  for (let row = from; row < to;) {
    if (kept && kept[row] === 0) {
      row += 1;
      continue;
    }
    rows[size++] = row;
    if (!kept && isFolded(tree, shape, row)) row += tree.repeats[row]!;
    else row = shape.collapsed.has(row) ? tree.end[row]! : row + 1;
  }
  return rows.slice(0, size);
}

/** Whether the row stands for a whole run of like leaves. */
export function isFolded(tree: TraceTree, shape: Shape, row: number): boolean {
  return shape.foldRepeats && !shape.only && tree.repeats[row]! > 0 && !shape.unfolded.has(row);
}

function withAncestors(tree: TraceTree, only: Uint8Array): Uint8Array {
  const kept = Uint8Array.from(only);
  for (let row = kept.length - 1; row >= 0; row -= 1) {
    const parent = tree.parent[row]!;
    if (kept[row] && parent >= 0) kept[parent] = 1;
  }
  return kept;
}

/** The shape with everything opened that hides a row. */
export function reveal(tree: TraceTree, shape: Shape, row: number): Shape {
  const hiding = ancestors(tree, row).filter((ancestor) => shape.collapsed.has(ancestor));
  const head = tree.head[row]!;
  const isInRun = head !== row && shape.foldRepeats && !shape.unfolded.has(head);
  const isOutside = shape.top >= 0 && !isWithin(tree, row, shape.top);
  const isFiltered = shape.only !== undefined && shape.only[row] === 0;
  if (hiding.length === 0 && !isInRun && !isOutside && !isFiltered) return shape;
  return {
    ...shape,
    collapsed: without(shape.collapsed, hiding),
    unfolded: isInRun ? new Set([...shape.unfolded, head]) : shape.unfolded,
    top: isOutside ? -1 : shape.top,
    only: isFiltered ? undefined : shape.only,
  };
}

/** Opens or closes one row: a folded run, or a subtree. */
export function toggle(tree: TraceTree, shape: Shape, row: number): Shape {
  if (tree.repeats[row]! > 0) {
    const unfolded = new Set(shape.unfolded);
    if (!unfolded.delete(row)) unfolded.add(row);
    return { ...shape, unfolded };
  }
  if (tree.children[row] === 0) return shape;
  return setCollapsed(shape, [row], !shape.collapsed.has(row));
}

/** Opens or closes a row and everything below it. */
export function setSubtree(tree: TraceTree, shape: Shape, row: number, collapsed: boolean): Shape {
  const parents: number[] = [];
  for (let at = row; at < tree.end[row]!; at += 1) if (tree.children[at]! > 0) parents.push(at);
  return setCollapsed(shape, parents, collapsed);
}

/** Closes every row at this depth and opens the less deep ones; Infinity opens all. */
export function setDepth(tree: TraceTree, shape: Shape, depth: Uint16Array, limit: number): Shape {
  const collapsed = new Set<number>();
  for (let row = 0; row < depth.length; row += 1) {
    if (tree.children[row]! > 0 && depth[row]! >= limit) collapsed.add(row);
  }
  return { ...shape, collapsed };
}

function setCollapsed(shape: Shape, rows: readonly number[], collapsed: boolean): Shape {
  return { ...shape, collapsed: collapsed ? new Set([...shape.collapsed, ...rows]) : without(shape.collapsed, rows) };
}

function without(set: ReadonlySet<number>, rows: readonly number[]): ReadonlySet<number> {
  const rest = new Set(set);
  for (const row of rows) rest.delete(row);
  return rest;
}

/** Index of the row in the sorted list of visible rows, or of the nearest one above it. */
export function indexOfRow(rows: Int32Array, row: number): number {
  let low = 0;
  let high = rows.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (rows[middle]! <= row) low = middle;
    else high = middle - 1;
  }
  return low;
}
