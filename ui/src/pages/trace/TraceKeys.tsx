/** Keys of the trace page. */

import { useKeys } from "../../lib/keys";
import { tell } from "../../lib/copy";
import { results } from "../../lib/results";
import { push } from "../../lib/route";
import { indexOfRow, setSubtree, toggle } from "../../trace/rows";
import { whole } from "../../trace/window";
import { traceHref } from "../../lib/links";
import { fitSpan, jumpTo, jumpToMark, showCritical, toggleRoot, type TraceView } from "./view";

const PAGE_ROWS = 20;

export function TraceKeys({ view }: { view: TraceView }) {
  const move = (step: number) => () => {
    const rows = view.rows.peek();
    const at = view.selected.peek() < 0 ? -1 : indexOfRow(rows, view.selected.peek());
    const next = rows[Math.min(rows.length - 1, Math.max(0, at + step))];
    if (next !== undefined) jumpTo(view, next);
  };
  const neighbour = (step: 1 | -1) => () => {
    const ids = results.peek()?.traceIds ?? [];
    const at = ids.indexOf(view.frame.traceId);
    const id = at < 0 ? undefined : ids[at + step];
    if (id) push(traceHref(id));
    else tell(at < 0 ? "No results to step through: open a trace from a search." : "No more traces in the list.");
  };
  const subtree = (collapsed: boolean) => () => {
    const row = view.selected.peek();
    if (row >= 0) view.shape.value = setSubtree(view.tree, view.shape.peek(), row, collapsed);
  };
  const collapse = () => closeOrGoUp(view);
  const expand = () => openOrGoDown(view, move(1));
  useKeys({
    "j": move(1),
    "k": move(-1),
    "ArrowDown": move(1),
    "ArrowUp": move(-1),
    "PageDown": move(PAGE_ROWS),
    "PageUp": move(-PAGE_ROWS),
    "Enter": (event) => {
      const control = (event.target as Element).closest<HTMLElement>("a, button, input");
      if (control) control.click();
      else if (view.selected.peek() >= 0) view.shape.value = toggle(view.tree, view.shape.peek(), view.selected.peek());
    },
    "Home": move(-Infinity),
    "End": move(Infinity),
    "h": collapse,
    "ArrowLeft": collapse,
    "l": expand,
    "ArrowRight": expand,
    "shift+ArrowLeft": subtree(true),
    "shift+ArrowRight": subtree(false),
    "e": () => jumpToMark(view, view.errors, 1),
    "E": () => jumpToMark(view, view.errors, -1),
    "n": () => jumpToMark(view, view.matches.peek(), 1),
    "N": () => jumpToMark(view, view.matches.peek(), -1),
    "[": neighbour(-1),
    "]": neighbour(1),
    "f": () => fitSpan(view, view.selected.peek()),
    "0": () => (view.window.value = whole(view.frame.durationNano)),
    "r": () => toggleRoot(view),
    "p": () => (showCritical.value = !showCritical.peek()),
    "u": () => (view.shape.value = { ...view.shape.peek(), foldRepeats: !view.shape.peek().foldRepeats }),
  });
  return null;
}

function closeOrGoUp(view: TraceView): void {
  const row = view.selected.peek();
  if (row < 0) return;
  const { tree } = view;
  const shape = view.shape.peek();
  const isOpenRun = tree.repeats[row]! > 0 && shape.unfolded.has(row);
  const isOpenParent = tree.children[row]! > 0 && !shape.collapsed.has(row);
  if (isOpenRun || isOpenParent) view.shape.value = toggle(tree, shape, row);
  else if (tree.head[row] !== row) jumpTo(view, tree.head[row]!);
  else if (tree.parent[row]! >= 0) jumpTo(view, tree.parent[row]!);
}

function openOrGoDown(view: TraceView, down: () => void): void {
  const row = view.selected.peek();
  if (row < 0) return down();
  const { tree } = view;
  const shape = view.shape.peek();
  const isFoldedRun = tree.repeats[row]! > 0 && shape.foldRepeats && !shape.unfolded.has(row);
  if (isFoldedRun || shape.collapsed.has(row)) view.shape.value = toggle(tree, shape, row);
  else if (tree.children[row]! > 0) down();
}
