/** The critical path: the spans, and the parts of them, that the trace's duration consists of. Pure. */

import type { TraceFrame } from "./frame";
import type { TraceTree } from "./tree";

/** A stretch of time that one span alone accounts for, in nanoseconds after the trace's start. */
export interface Segment {
  row: number;
  from: number;
  to: number;
}

interface Visit {
  row: number;
  floor: number;
  /** Time after this is accounted for. */
  until: number;
  /** Children by end; those from `next` on are dealt with. */
  children: number[];
  next: number;
}

/**
 * Walks each root backwards from its end. The child that ended last before the instant reached is the one that was waited
 * for; the time between is the span's own. A child that outlives its parent counts up to the parent's end, and one that
 * overlaps a later child of the path was not waited for.
 */
export function criticalPath(frame: TraceFrame, tree: TraceTree): Segment[] {
  const segments: Segment[] = [];
  const stack: Visit[] = [];
  for (let root = 0; root < frame.spanCount; root = tree.end[root]!) {
    stack.push(visit(frame, tree, root, frame.start[root]!, endOf(frame, root)));
    while (stack.length > 0) {
      const at = stack.at(-1)!;
      const child = previousChild(frame, at);
      const childEnd = child < 0 ? at.floor : Math.max(at.floor, Math.min(endOf(frame, child), at.until));
      if (at.until > childEnd) segments.push({ row: at.row, from: childEnd, to: at.until });
      if (child < 0) {
        stack.pop();
        continue;
      }
      at.until = Math.max(frame.start[child]!, at.floor);
      stack.push(visit(frame, tree, child, at.until, childEnd));
    }
  }
  return segments;
}

const endOf = (frame: TraceFrame, row: number): number => frame.start[row]! + frame.duration[row]!;

function visit(frame: TraceFrame, tree: TraceTree, row: number, floor: number, until: number): Visit {
  const children: number[] = [];
  for (let child = row + 1; child < tree.end[row]!; child = tree.end[child]!) {
    if (frame.start[child]! < until && endOf(frame, child) > floor) children.push(child);
  }
  const clipped = (child: number) => Math.min(endOf(frame, child), until);
  children.sort((a, b) => clipped(a) - clipped(b) || a - b);
  return { row, floor, until, children, next: children.length };
}

/** The child that ends last of those that end before `until`, where the first may be cut; -1 at the end. */
function previousChild(frame: TraceFrame, at: Visit): number {
  while (at.next > 0) {
    const isLast = at.next === at.children.length;
    const child = at.children[--at.next]!;
    if (isLast || endOf(frame, child) <= at.until) return child;
  }
  return -1;
}

/** Marks the rows on the path. */
export function markRows(segments: readonly Segment[], spanCount: number): Uint8Array {
  const marks = new Uint8Array(spanCount);
  for (const { row } of segments) marks[row] = 1;
  return marks;
}
