/** The tree inside a trace frame: parents, subtrees, repeats, self time. Linear in the number of spans. Pure. */

import { STATUS, type TraceFrame } from "./frame";

export interface TraceTree {
  /** Row of the parent, -1 for roots. */
  parent: Int32Array;
  /** The row after the last descendant. */
  end: Int32Array;
  /** Number of children. */
  children: Uint32Array;
  /** Position among the siblings, from 1. */
  position: Uint32Array;
  /** Nanoseconds of a span in which none of its children runs. */
  self: Float64Array;
  /** At the first of at least `REPEATS_MIN` consecutive like leaves: how many they are; 0 elsewhere. */
  repeats: Uint32Array;
  /** For a row inside such a run: the row of the first; the row itself elsewhere. */
  head: Int32Array;
  /** Number of roots. */
  roots: number;
}

/** How many like siblings in a row are shown as one. */
export const REPEATS_MIN = 5;

/** Computes the tree of a frame from its depths. */
export function buildTree(frame: TraceFrame): TraceTree {
  const size = frame.spanCount;
  const tree: TraceTree = {
    parent: new Int32Array(size).fill(-1),
    end: new Int32Array(size),
    children: new Uint32Array(size),
    position: new Uint32Array(size),
    self: Float64Array.from(frame.duration),
    repeats: new Uint32Array(size),
    head: new Int32Array(size),
    roots: 0,
  };
  link(frame.depth, tree);
  subtractChildren(frame, tree);
  markRepeats(frame, tree);
  return tree;
}

/** Depth-first order and depths give the parents: the last row before it that is less deep. */
function link(depth: Uint16Array, tree: TraceTree): void {
  const open: number[] = [];
  for (let row = 0; row < depth.length; row += 1) {
    while (open.length > 0 && depth[open.at(-1)!]! >= depth[row]!) tree.end[open.pop()!] = row;
    const parent = open.at(-1) ?? -1;
    tree.parent[row] = parent;
    if (parent >= 0) tree.position[row] = ++tree.children[parent]!;
    else tree.position[row] = ++tree.roots;
    open.push(row);
  }
  for (const row of open) tree.end[row] = depth.length;
}

/** Children come by start, so the union of their intervals is one sweep. */
function subtractChildren({ start, duration }: TraceFrame, tree: TraceTree): void {
  const covered = new Float64Array(start.length).fill(-Infinity);
  for (let row = 0; row < start.length; row += 1) {
    const parent = tree.parent[row]!;
    if (parent < 0) continue;
    const parentEnd = start[parent]! + duration[parent]!;
    const from = Math.max(start[row]!, start[parent]!, covered[parent]!);
    const to = Math.min(start[row]! + duration[row]!, parentEnd);
    if (to <= from) continue;
    tree.self[parent]! -= to - from;
    covered[parent] = to;
  }
}

function markRepeats({ service, name, status, spanCount }: TraceFrame, tree: TraceTree): void {
  for (let row = 0; row < spanCount;) {
    let next = row + 1;
    const isLeaf = tree.children[row] === 0;
    const alike = (other: number) =>
      tree.children[other] === 0 &&
      tree.parent[other] === tree.parent[row] &&
      service[other] === service[row] &&
      name[other] === name[row] &&
      (status[other] === STATUS.error) === (status[row] === STATUS.error);
    while (isLeaf && next < spanCount && alike(next)) next += 1;
    const isRun = next - row >= REPEATS_MIN;
    if (isRun) tree.repeats[row] = next - row;
    for (let member = row; member < next; member += 1) tree.head[member] = isRun ? row : member;
    row = next;
  }
}

/** Rows from the root down to the parent of a row. */
export function ancestors(tree: TraceTree, row: number): number[] {
  const path: number[] = [];
  for (let parent = tree.parent[row]!; parent >= 0; parent = tree.parent[parent]!) path.unshift(parent);
  return path;
}

/** Whether a row lies in the subtree of another, or is it. */
export function isWithin(tree: TraceTree, row: number, top: number): boolean {
  return row >= top && row < tree.end[top]!;
}
