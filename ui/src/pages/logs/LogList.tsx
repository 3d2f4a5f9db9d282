/** The list of log lines. */

import { useEffect, useRef } from "preact/hooks";
import type { LogRecord } from "../../api/types";
import { bodyLine } from "../../kit/body";
import { Service } from "../../kit/Service";
import { severityName, severityOf } from "../../kit/severity";
import { narrow } from "../../kit/values";
import { VirtualList } from "../../kit/VirtualList";
import { clockMs, dateTime, day } from "../../lib/clock";
import { useCursor } from "../../lib/cursor";
import { plural } from "../../lib/format";
import { useKeys } from "../../lib/keys";
import type { ListHandle } from "../../lib/listHandle";
import { rangeParameters } from "../../lib/range";
import { href, push } from "../../lib/route";
import { nanoToMs } from "../../lib/time";
import styles from "./LogList.module.css";
import type { Tail } from "./liveLines";

interface Props {
  records: readonly LogRecord[];
  chosen: LogRecord | undefined;
  wrap: boolean;
  tail: Tail;
  onChoose: (record: LogRecord | undefined) => void;
  onEnd: () => void;
}

const ROW_PX = 22;
const WRAPPED_ROW_PX = 58;

/** The span of a record on the page of its trace. */
export function traceOf(record: LogRecord): string | undefined {
  if (!record.traceId) return undefined;
  return href(`/trace/${record.traceId}`, { ...rangeParameters(), span: record.spanId, tab: "logs" });
}

export function LogList({ records, chosen, wrap, tail, onChoose, onEnd }: Props) {
  const list = useRef<ListHandle | undefined>(undefined);
  const choose = (index: number) => onChoose(records[index]);
  const cursor = useCursor({
    count: () => records.length,
    list,
    onOpen: choose,
    onMove: (index) => chosen && choose(index),
  });
  const current = () => records[cursor.peek()] ?? chosen;
  useKeys({
    x: () => {
      const record = current();
      if (record) narrow({ field: "service", value: record.serviceName }, true);
    },
    o: () => {
      const record = current();
      const trace = record && traceOf(record);
      if (trace) push(trace);
    },
  });
  // While a line is read, nothing moves.
  const isReading = chosen !== undefined;
  useEffect(() => tail.hold(isReading || !(list.current?.isAtTop() ?? true)), [isReading]);
  const at = chosen ? records.indexOf(chosen) : -1;
  useEffect(() => {
    if (at >= 0) cursor.value = at;
  }, [at]);
  return (
    <div class={styles.list}>
      {tail.waiting.value > 0 && (
        <button
          class={styles.waiting}
          onClick={() => {
            list.current?.reveal(0);
            tail.release();
          }}
        >
          ↑ {plural(tail.waiting.value, "new line")}
        </button>
      )}
      <VirtualList
        key={wrap}
        name="logs"
        count={records.length}
        rowHeight={wrap ? WRAPPED_ROW_PX : ROW_PX}
        handle={list}
        onEnd={onEnd}
        onTop={(isAtTop) => tail.hold(isReading || !isAtTop)}
        class={wrap ? styles.wrapped : undefined}
        attributes={{
          "role": "grid",
          "tabIndex": 0,
          "aria-label": "Log lines",
          "aria-rowcount": records.length,
          "aria-activedescendant": cursor.value >= 0 ? `log-${cursor.value}` : undefined,
          "onClick": (event: MouseEvent) => {
            const row = (event.target as Element).closest("[data-index]");
            if (row && !getSelection()?.toString()) choose(Number(row.getAttribute("data-index")));
          },
        }}
        row={(index) => <LogRow record={records[index]!} index={index} isChosen={index === cursor.value} />}
      />
    </div>
  );
}

function LogRow({ record, index, isChosen }: { record: LogRecord; index: number; isChosen: boolean }) {
  const ms = nanoToMs(record.timestamp);
  const trace = traceOf(record);
  return (
    <div
      id={`log-${index}`}
      data-index={index}
      data-severity={severityOf(record.severityNumber)}
      class={styles.row}
      role="row"
      aria-rowindex={index + 1}
      aria-selected={isChosen}
    >
      <span class={styles.time} role="gridcell" title={`${day(ms)}, ${dateTime(ms)}`}>
        {clockMs(ms)}
      </span>
      <span class={styles.severity} role="gridcell">
        {severityName(record)}
      </span>
      <span class={styles.service} role="gridcell">
        <Service name={record.serviceName} />
      </span>
      <span class={styles.body} role="gridcell">
        {bodyLine(record.body) || record.eventName}
      </span>
      <span class={styles.trace} role="gridcell">
        {trace && (
          <a href={trace} tabIndex={-1} aria-label="Trace of this line" title="Open its trace (o)">
            trace
          </a>
        )}
      </span>
    </div>
  );
}
