/** What the reader sees of one trace: its store. Made anew for every trace. */

import { batch, computed, effect, type ReadonlySignal, type Signal, signal, untracked } from "@preact/signals";
import { storedNumber } from "../../lib/stored";
import { hrefWith, param, replace } from "../../lib/route";
import { placesByWeight } from "../../trace/colors";
import { criticalPath, type Segment } from "../../trace/critical";
import { errorRows, findSpans, nextMark } from "../../trace/find";
import { rowOf, spanIdOf, type TraceFrame } from "../../trace/frame";
import { isFolded, reveal, type Shape, visibleRows, WHOLE } from "../../trace/rows";
import { buildTree, type TraceTree } from "../../trace/tree";
import { fit, whole, type Window } from "../../trace/window";

/** Width of the column of names, in pixels. */
export const nameWidth = storedNumber("trace.names", 420, 140, 900);

/** Width of the panel, in pixels. */
export const panelWidth = storedNumber("trace.panel", 400, 260, 900);

/** Whether the critical path is drawn. */
export const showCritical = signal(false);

export interface TraceView {
  frame: TraceFrame;
  tree: TraceTree;
  /** Places of the services in the order of colours. */
  places: readonly number[];
  /** Self time by service, in nanoseconds. */
  selfByService: Float64Array;
  depthMax: number;
  errors: Uint8Array;
  shape: Signal<Shape>;
  rows: ReadonlySignal<Int32Array>;
  window: Signal<Window>;
  /** Selected row, -1 for none. */
  selected: Signal<number>;
  find: Signal<string>;
  onlyMatches: Signal<boolean>;
  matches: ReadonlySignal<Uint8Array | undefined>;
  critical: ReadonlySignal<ReadonlyMap<number, readonly Segment[]>>;
  /** Counts the times a row was chosen from elsewhere, so that the list scrolls there. */
  jumps: Signal<number>;
}

/** The store of a trace, with the selection that the URL names. */
export function createView(frame: TraceFrame): TraceView {
  const tree = buildTree(frame);
  const selfByService = new Float64Array(frame.serviceNames.length);
  let depthMax = 0;
  for (let row = 0; row < frame.spanCount; row += 1) {
    selfByService[frame.service[row]!]! += tree.self[row]!;
    depthMax = Math.max(depthMax, frame.depth[row]!);
  }
  const find = signal(param("find"));
  const onlyMatches = signal(false);
  const matches = computed(() => findSpans(frame, find.value));
  const shape = signal<Shape>(WHOLE);
  const shown = computed(() =>
    onlyMatches.value && matches.value ? { ...shape.value, only: matches.value } : shape.value,
  );
  return {
    frame,
    tree,
    places: placesByWeight(frame.serviceNames, selfByService),
    selfByService,
    depthMax,
    errors: errorRows(frame),
    shape,
    rows: computed(() => visibleRows(tree, shown.value)),
    window: signal(whole(frame.durationNano)),
    selected: signal(rowOf(frame, param("span"))),
    find,
    onlyMatches,
    matches,
    critical: computed(() => (showCritical.value ? byRow(criticalPath(frame, tree)) : new Map())),
    jumps: signal(0),
  };
}

function byRow(segments: readonly Segment[]): Map<number, Segment[]> {
  const rows = new Map<number, Segment[]>();
  for (const segment of segments) {
    const found = rows.get(segment.row);
    if (found) found.push(segment);
    else rows.set(segment.row, [segment]);
  }
  return rows;
}

/** Keeps the URL and the selection the same, both ways, until the returned function is called. */
export function keepInUrl(view: TraceView): () => void {
  const stopWriting = effect(() => {
    const span = view.selected.value < 0 ? undefined : spanIdOf(view.frame, view.selected.value);
    const find = view.find.value || undefined;
    untracked(() => {
      if ((span ?? "") !== param("span") || (find ?? "") !== param("find")) replace(hrefWith({ span, find }));
    });
  });
  const stopReading = effect(() => {
    const row = rowOf(view.frame, param("span"));
    untracked(() => {
      if (row >= 0 && row !== view.selected.peek()) jumpTo(view, row);
    });
  });
  if (view.selected.peek() >= 0) jumpTo(view, view.selected.peek());
  return () => {
    stopWriting();
    stopReading();
  };
}

/** Selects a row and makes it visible, whatever hides it. */
export function jumpTo(view: TraceView, row: number): void {
  batch(() => {
    const only = view.matches.peek();
    if (view.onlyMatches.peek() && only && only[row] === 0) view.onlyMatches.value = false;
    view.shape.value = reveal(view.tree, view.shape.peek(), row);
    view.selected.value = row;
    view.jumps.value += 1;
  });
}

/** Goes to the next marked row after the selected one, or to the one before. */
export function jumpToMark(view: TraceView, marks: Uint8Array | undefined, step: 1 | -1): void {
  if (!marks) return;
  const row = nextMark(marks, view.selected.peek(), step);
  if (row >= 0) jumpTo(view, row);
}

/** Zooms so that the span fills the width. */
export function fitSpan(view: TraceView, row: number): void {
  if (row < 0) return;
  view.window.value = fit(view.frame.start[row]!, view.frame.duration[row]!, view.frame.durationNano);
}

/** Shows the subtree of the selected span alone, or the whole trace again. */
export function toggleRoot(view: TraceView): void {
  const row = view.selected.peek();
  const isSame = view.shape.peek().top === row || row < 0;
  batch(() => {
    view.shape.value = { ...view.shape.peek(), top: isSame ? -1 : row };
    if (isSame) view.window.value = whole(view.frame.durationNano);
    else fitSpan(view, row);
  });
}

/** How many spans a row stands for. */
export function runLength(view: TraceView, row: number): number {
  return isFolded(view.tree, view.shape.value, row) && !view.onlyMatches.value ? view.tree.repeats[row]! : 1;
}
