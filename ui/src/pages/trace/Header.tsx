/** What the trace is: root, duration, size, age, and the way to its neighbours in the results. */

import controls from "../../kit/controls.module.css";
import { Icon } from "../../kit/Icon";
import { ago, dateTime, zoneName } from "../../lib/clock";
import { copy } from "../../lib/copy";
import { count, duration, plural, shortId } from "../../lib/format";
import { results } from "../../lib/results";
import { nanoToMs } from "../../lib/time";
import { FLAG, nameOf, serviceOf, type TraceFrame } from "../../trace/frame";
import { traceHref } from "../../lib/links";
import styles from "./Header.module.css";

export function Header({ frame }: { frame: TraceFrame }) {
  const { traceId, spanCount, errorCount, durationNano, serviceNames } = frame;
  const startMs = nanoToMs(frame.startTimeUnixNano);
  return (
    <div class={styles.header}>
      <div class={styles.line}>
        <Neighbours traceId={traceId} />
        <h1 class={styles.subject}>
          <span class={styles.service}>{serviceOf(frame, 0)}</span> {nameOf(frame, 0)}
        </h1>
        <p class={styles.facts}>
          <strong>{duration(durationNano)}</strong> · {plural(spanCount, "span")} ·{" "}
          {plural(serviceNames.length, "service")}
          {errorCount > 0 && <span class={styles.bad}> · ✕ {plural(errorCount, "error")}</span>}
        </p>
      </div>
      <div class={styles.line}>
        <p class={styles.when}>
          {dateTime(startMs)} {zoneName()} · {ago(startMs, Date.now())}
        </p>
        <button class={styles.id} title={`Copy ${traceId}`} onClick={() => void copy(traceId, "Trace id copied")}>
          {shortId(traceId)} <Icon name="copy" />
        </button>
        <a class={styles.id} href={`/api/v1/traces/${traceId}`} download={`${traceId}.json`}>
          OTLP JSON
        </a>
        <Caveats frame={frame} />
      </div>
    </div>
  );
}

function Neighbours({ traceId }: { traceId: string }) {
  const list = results.value;
  const at = list?.traceIds.indexOf(traceId) ?? -1;
  if (!list || at < 0) return null;
  const link = (index: number, label: string, icon: "left" | "right") => {
    const id = list.traceIds[index];
    return id ? (
      <a class={controls.quiet} href={traceHref(id)} aria-label={label} title={label}>
        <Icon name={icon} />
      </a>
    ) : null;
  };
  return (
    <nav class={styles.neighbours} aria-label="Results">
      {link(at - 1, "Previous trace [", "left")}
      <a href={list.from} title="Back to the results">
        {count(at + 1)} of {count(list.traceIds.length)}
        {list.hasMore ? "+" : ""}
      </a>
      {link(at + 1, "Next trace ]", "right")}
    </nav>
  );
}

/** What the reader must know before believing the picture. */
function Caveats({ frame }: { frame: TraceFrame }) {
  const having = (flag: number) => frame.flags.reduce((sum, flags) => sum + (flags & flag ? 1 : 0), 0);
  const { parentMissing, startsBeforeParent, endsBeforeStart, dropped } = FLAG;
  const words = [
    [having(parentMissing), "without its parent", "without their parents"],
    [
      having(startsBeforeParent),
      "begins before its parent (clocks are shown as sent)",
      "begin before their parents (clocks are shown as sent)",
    ],
    [having(endsBeforeStart), "ends before it starts", "end before they start"],
    [having(dropped), "lost data before it arrived", "lost data before they arrived"],
  ] as const;
  const shown = words
    .filter(([number]) => number > 0)
    .map(([number, one, many]) => `${plural(number, "span")} ${number === 1 ? one : many}`);
  if (frame.exactness.state === "partial")
    shown.unshift(`partial: ${frame.exactness.reason ?? "some spans are missing"}`);
  if (shown.length === 0) return null;
  return (
    <p class={styles.caveats}>
      <Icon name="warn" /> {shown.join(" · ")}
    </p>
  );
}
