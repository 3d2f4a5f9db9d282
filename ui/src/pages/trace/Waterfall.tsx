/** The waterfall: names to the left, time to the right, only the rows in view. A treegrid with one tab stop. */

import { useSignalEffect } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { LogRecord } from "../../api/types";
import { Splitter } from "../../kit/Splitter";
import { VirtualList } from "../../kit/VirtualList";
import { duration } from "../../lib/format";
import type { ListHandle } from "../../lib/listHandle";
import { isError, nameOf, serviceOf } from "../../trace/frame";
import { indexOfRow, toggle } from "../../trace/rows";
import { pan, zoom } from "../../trace/window";
import { Ruler } from "./Ruler";
import { SpanRow } from "./SpanRow";
import { nameWidth, type TraceView } from "./view";
import styles from "./Waterfall.module.css";

const ROW_PX = 26;
const INDENT_PX = 12;
/** The deepest row is indented by no more than this share of the column. */
const INDENT_SHARE_MAX = 0.45;

interface Props {
  view: TraceView;
  logs: readonly LogRecord[];
}

export function Waterfall({ view, logs }: Props) {
  const list = useRef<ListHandle | undefined>(undefined);
  const box = useRef<HTMLDivElement>(null);
  const rows = view.rows.value;
  const selected = view.selected.value;
  const logTimes = useMemo(() => timesBySpan(logs), [logs]);
  const indent = Math.min(INDENT_PX, (nameWidth.value * INDENT_SHARE_MAX) / Math.max(1, view.depthMax));

  useSignalEffect(() => {
    void view.jumps.value;
    const row = view.selected.peek();
    // After the rows of the new shape are known to the list.
    if (row >= 0) requestAnimationFrame(() => list.current?.reveal(indexOfRow(view.rows.peek(), row)));
  });
  useEffect(() => zoomByWheel(box.current!, view), [view]);

  const onClick = (event: MouseEvent) => {
    const element = event.target as Element;
    const row = Number(element.closest("[data-row]")?.getAttribute("data-row") ?? -1);
    if (row < 0) return;
    if (element.closest("[data-toggle]")) view.shape.value = toggle(view.tree, view.shape.peek(), row);
    else view.selected.value = row;
  };

  return (
    <section
      ref={box}
      class={styles.waterfall}
      style={{ "--names": `${nameWidth.value}px`, "--indent": `${indent}px` }}
      aria-label="Spans"
    >
      <Ruler view={view} />
      <VirtualList
        count={rows.length}
        rowHeight={ROW_PX}
        handle={list}
        attributes={{
          "role": "treegrid",
          "tabIndex": 0,
          "aria-label": "Spans of the trace",
          "aria-rowcount": rows.length,
          "aria-activedescendant": selected >= 0 ? `span-${selected}` : undefined,
          "onClick": onClick,
        }}
        row={(index) => <SpanRow view={view} row={rows[index]!} index={index} logTimes={logTimes} />}
      />
      <div class={styles.divider}>
        <Splitter size={nameWidth} least={140} most={900} side={1} label="Width of the names" />
      </div>
      <p class="hidden" role="status">
        {selected >= 0 && spoken(view, selected)}
      </p>
    </section>
  );
}

/** Times of the logs of each span. */
function timesBySpan(logs: readonly LogRecord[]): ReadonlyMap<string, readonly bigint[]> {
  const times = new Map<string, bigint[]>();
  for (const { spanId, timestamp } of logs) {
    if (!spanId) continue;
    const found = times.get(spanId);
    if (found) found.push(BigInt(timestamp));
    else times.set(spanId, [BigInt(timestamp)]);
  }
  return times;
}

/** With control or command the wheel zooms at the pointer; sideways it pans. */
function zoomByWheel(element: HTMLElement, view: TraceView): () => void {
  const onWheel = (event: WheelEvent) => {
    const { durationNano } = view.frame;
    const { left, width } = element.getBoundingClientRect();
    const plot = width - nameWidth.peek();
    if (event.ctrlKey || event.metaKey) {
      const share = Math.min(1, Math.max(0, (event.clientX - left - nameWidth.peek()) / plot));
      view.window.value = zoom(view.window.peek(), Math.exp(event.deltaY / 300), share, durationNano);
    } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      view.window.value = pan(view.window.peek(), event.deltaX / plot, durationNano);
    } else return;
    event.preventDefault();
  };
  element.addEventListener("wheel", onWheel, { passive: false });
  return () => element.removeEventListener("wheel", onWheel);
}

function spoken(view: TraceView, row: number): string {
  const { frame } = view;
  const error = isError(frame, row) ? ", error" : "";
  return `span ${row + 1} of ${frame.spanCount}, ${serviceOf(frame, row)} ${nameOf(frame, row)}${error}, ${duration(frame.duration[row]!)}`;
}
