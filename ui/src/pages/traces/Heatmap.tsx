/** Durations over time as a heatmap; dragging narrows both. */

import { useSignal } from "@preact/signals";
import { Fragment } from "preact";
import type { SpanHistogram } from "../../api/types";
import { Brush, type Box } from "../../kit/Brush";
import { TimeAxis } from "../../kit/TimeAxis";
import { clock } from "../../lib/clock";
import { count, duration, durationLiteral, percent, plural } from "../../lib/format";
import { hrefWith, param, push } from "../../lib/route";
import { nanoToMs } from "../../lib/time";
import { setBounds } from "../../query/edit";
import { durationTicks, type Heat, heatOf, lowerEdge, upperEdge } from "./heat";
import styles from "./Heatmap.module.css";

/** A box as high as this share of the chart means all durations. */
const WHOLE_HEIGHT_SHARE = 0.9;

export function Heatmap({ histogram }: { histogram: SpanHistogram }) {
  const heat = heatOf(histogram);
  const hover = useSignal<{ x: number; y: number } | undefined>(undefined);
  const { durationBoundsNano: bounds, bucketNano, buckets } = histogram;
  const startMs = nanoToMs(histogram.startTimeUnixNano);
  const endMs = startMs + (bucketNano * buckets.length) / 1e6;
  const select = (box: Box) => {
    const at = (share: number) => new Date(startMs + share * (endMs - startMs)).toISOString();
    const q = heat ? setBounds(param("q"), "duration", boundsOf(heat, bounds, box)) : param("q");
    push(hrefWith({ start: at(box.left), end: at(box.right), q }));
  };
  return (
    <figure class={styles.figure} aria-label={summaryOf(histogram)}>
      <div class={styles.plot}>
        {heat && <Cells heat={heat} bounds={bounds} />}
        <Brush
          horizontal={false}
          onSelect={select}
          onHover={(x, y) => (hover.value = x === undefined ? undefined : { x, y })}
        />
      </div>
      <div class={styles.axis}>
        <TimeAxis range={{ startMs, endMs }} />
      </div>
      <figcaption class={styles.facts}>
        <Fact label="p50" value={histogram.p50Nano === null ? "–" : duration(histogram.p50Nano)} />
        <Fact label="p95" value={histogram.p95Nano === null ? "–" : duration(histogram.p95Nano)} />
        <Fact label="errors" value={percent(histogram.errorCount, histogram.count)} isBad={histogram.errorCount > 0} />
        <Fact label="spans" value={count(histogram.count)} />
        <p class={styles.hover}>
          {heat && hover.value && <Hover heat={heat} histogram={histogram} {...hover.value} />}
        </p>
      </figcaption>
    </figure>
  );
}

function Cells({ heat, bounds }: { heat: Heat; bounds: readonly number[] }) {
  return (
    <>
      {durationTicks(heat, bounds).map(({ nano, share }) => (
        <Fragment key={nano}>
          <span class={styles.line} style={{ bottom: `${share * 100}%` }} />
          <span class={styles.tick} style={{ bottom: `${share * 100}%` }}>
            {duration(nano)}
          </span>
        </Fragment>
      ))}
      <svg
        class={styles.cells}
        viewBox={`0 0 ${heat.columns} ${heat.rows}`}
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        {heat.cells.map(({ column, row, strength }) => (
          <rect
            key={`${column} ${row}`}
            x={column}
            y={heat.rows - 1 - row}
            width="0.94"
            height="1"
            fill-opacity={(0.1 + 0.9 * strength).toFixed(2)}
          />
        ))}
      </svg>
      <svg class={styles.errors} viewBox={`0 0 ${heat.columns} 1`} preserveAspectRatio="none" aria-hidden="true">
        {heat.errors.map((share, column) =>
          share > 0 ? (
            <rect
              key={column}
              x={column}
              width="0.94"
              height="1"
              fill-opacity={(0.3 + 0.7 * Math.sqrt(share)).toFixed(2)}
            />
          ) : null,
        )}
      </svg>
    </>
  );
}

function Fact({ label, value, isBad = false }: { label: string; value: string; isBad?: boolean }) {
  return (
    <p class={styles.fact}>
      <span class={styles.label}>{label}</span>
      <span class={isBad ? styles.bad : undefined}>{value}</span>
    </p>
  );
}

function Hover({ heat, histogram, x, y }: { heat: Heat; histogram: SpanHistogram; x: number; y: number }) {
  const column = Math.min(heat.columns - 1, Math.floor(x * heat.columns));
  const row = Math.min(heat.rows - 1, Math.floor((1 - y) * heat.rows));
  const bounds = histogram.durationBoundsNano;
  const found = heat.cells.find((cell) => cell.column === column && cell.row === row)?.count ?? 0;
  const from = nanoToMs(histogram.startTimeUnixNano) + (column * histogram.bucketNano) / 1e6;
  const top = upperEdge(heat, bounds, row);
  return (
    <>
      {clock(from)}
      <br />
      {duration(lowerEdge(heat, bounds, row))} to {top === undefined ? "more" : duration(top)}
      <br />
      {plural(found, "span")}
    </>
  );
}

function boundsOf(heat: Heat, bounds: readonly number[], box: Box): (readonly [">=" | "<", string])[] {
  if (box.bottom - box.top > WHOLE_HEIGHT_SHARE) return [];
  const row = (share: number) => Math.min(heat.rows - 1, Math.max(0, Math.floor((1 - share) * heat.rows)));
  const [low, high] = [lowerEdge(heat, bounds, row(box.bottom)), upperEdge(heat, bounds, row(box.top))];
  return [
    ...(low > 0 ? [[">=", durationLiteral(low)] as const] : []),
    ...(high === undefined ? [] : [["<", durationLiteral(high)] as const]),
  ];
}

function summaryOf({ count: total, errorCount, p50Nano, p95Nano }: SpanHistogram): string {
  const p = (nano: number | null) => (nano === null ? "unknown" : duration(nano));
  return `Durations over time: ${plural(total, "span")}, ${errorCount} with errors, median ${p(p50Nano)}, 95th percentile ${p(p95Nano)}`;
}
