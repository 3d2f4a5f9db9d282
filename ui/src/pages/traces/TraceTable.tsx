/** The list of found traces: one line each, and each line a link. */

import { useRef } from "preact/hooks";
import type { TraceSummary } from "../../api/types";
import { Service } from "../../kit/Service";
import { narrow } from "../../kit/values";
import { VirtualList } from "../../kit/VirtualList";
import { brief, dateTime } from "../../lib/clock";
import { useCursor } from "../../lib/cursor";
import { count, duration, plural } from "../../lib/format";
import { useKeys } from "../../lib/keys";
import type { ListHandle } from "../../lib/listHandle";
import { traceHref } from "../../lib/links";
import { push } from "../../lib/route";
import { nanoToMs } from "../../lib/time";
import { hueOfName } from "../../trace/colors";
import styles from "./TraceTable.module.css";

interface Props {
  traces: readonly TraceSummary[];
  onEnd: () => void;
}

const ROW_PX = 26;
const SERVICES_SHOWN = 5;

export function TraceTable({ traces, onEnd }: Props) {
  const list = useRef<ListHandle | undefined>(undefined);
  const cursor = useCursor({
    count: () => traces.length,
    list,
    onOpen: (index) => push(traceHref(traces[index]!.traceId)),
  });
  useKeys({
    x: () => {
      const trace = traces[cursor.peek()];
      if (trace) narrow({ field: "service", value: trace.rootServiceName }, true);
    },
  });
  const longest = traces.reduce((most, { durationNano }) => Math.max(most, durationNano), 1);
  const now = Date.now();
  return (
    <div class={styles.table}>
      <div class={`${styles.row} ${styles.head}`} aria-hidden="true">
        <span title="Start of the latest span that meets the search, by which the list is ordered">Latest span</span>
        <span>Root</span>
        <span class={styles.services}>Services</span>
        <span class={styles.number}>Spans</span>
        <span class={styles.number}>Errors</span>
        <span class={styles.number}>Duration</span>
      </div>
      <VirtualList
        name="traces"
        count={traces.length}
        rowHeight={ROW_PX}
        handle={list}
        onEnd={onEnd}
        attributes={{
          "role": "grid",
          "tabIndex": 0,
          "aria-label": "Traces",
          "aria-rowcount": traces.length,
          "aria-activedescendant": cursor.value >= 0 ? `trace-${cursor.value}` : undefined,
        }}
        row={(index) => (
          <TraceRow
            trace={traces[index]!}
            index={index}
            isChosen={index === cursor.value}
            longest={longest}
            now={now}
          />
        )}
      />
    </div>
  );
}

interface RowProps {
  trace: TraceSummary;
  index: number;
  isChosen: boolean;
  longest: number;
  now: number;
}

function TraceRow({ trace, index, isChosen, longest, now }: RowProps) {
  const { rootMissing, errorCount, durationNano } = trace;
  const latestMs = nanoToMs(trace.latestMatchTimeUnixNano);
  const times = `Latest span found: ${dateTime(latestMs)}\nTrace began: ${dateTime(nanoToMs(trace.startTimeUnixNano))}`;
  const service = rootMissing ? trace.firstServiceName : trace.rootServiceName;
  const name = rootMissing ? trace.firstSpanName : trace.rootSpanName;
  return (
    <div id={`trace-${index}`} class={styles.row} role="row" aria-rowindex={index + 1} aria-selected={isChosen}>
      <span class={styles.when} role="gridcell" title={times}>
        {brief(latestMs, now)}
      </span>
      <span class={styles.root} role="gridcell">
        <Service name={service ?? ""} />
        <a class={styles.link} href={traceHref(trace.traceId)} tabIndex={-1}>
          {name || "(no name)"}
        </a>
        {rootMissing && <span class={styles.note}>root not seen yet</span>}
      </span>
      <Services trace={trace} />
      <span class={styles.number} role="gridcell">
        {count(trace.spanCount)}
      </span>
      <span class={`${styles.number} ${errorCount > 0 ? styles.bad : styles.none}`} role="gridcell">
        {errorCount > 0 ? `✕ ${count(errorCount)}` : "·"}
      </span>
      <span class={`${styles.number} ${styles.duration}`} role="gridcell">
        <span class={styles.bar} style={{ transform: `scaleX(${Math.sqrt(durationNano / longest)})` }} />
        <span class={styles.over}>{duration(durationNano)}</span>
      </span>
    </div>
  );
}

function Services({ trace }: { trace: TraceSummary }) {
  const { services } = trace;
  const names = services.map(({ name, spanCount }) => `${name} ${spanCount}`).join(", ");
  return (
    <span class={styles.services} role="gridcell" title={names}>
      <span class="hidden">{plural(services.length, "service")}</span>
      {services.slice(0, SERVICES_SHOWN).map(({ name }) => (
        <span key={name} class={`${styles.mark} ${hueOfName(name)}`} />
      ))}
      {services.length > SERVICES_SHOWN && (
        <span class={styles.note} aria-hidden="true">
          +{services.length - SERVICES_SHOWN}
        </span>
      )}
    </span>
  );
}
