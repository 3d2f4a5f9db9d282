/** Lines over time, stacked by severity; dragging narrows the time. */

import { useSignal } from "@preact/signals";
import type { LogHistogram } from "../../api/types";
import { Brush } from "../../kit/Brush";
import { TimeAxis } from "../../kit/TimeAxis";
import { clock } from "../../lib/clock";
import { plural } from "../../lib/format";
import { setAbsoluteRange } from "../../lib/range";
import { nanoToMs } from "../../lib/time";
import styles from "./Histogram.module.css";

/** From below to above: what matters most is nearest to the axis. */
const STACK = [
  ["bad", ["fatal", "error"]],
  ["warn", ["warn"]],
  ["calm", ["info", "debug", "trace", "unset"]],
] as const;

export function Histogram({ histogram }: { histogram: LogHistogram }) {
  const { buckets, bucketNano, severities } = histogram;
  const hover = useSignal<number | undefined>(undefined);
  const startMs = nanoToMs(histogram.startTimeUnixNano);
  const endMs = startMs + (bucketNano * buckets.length) / 1e6;
  const at = (share: number) => startMs + share * (endMs - startMs);
  const most = Math.max(1, ...buckets.map(({ count }) => count));
  const sumOf = (bucket: number, names: readonly string[]) =>
    names.reduce((sum, name) => sum + (buckets[bucket]?.severities[severities.indexOf(name)] ?? 0), 0);
  return (
    <figure
      class={styles.figure}
      aria-label={`Lines over time: ${plural(histogram.count, "line")}, at most ${most} in a bar`}
    >
      <div class={styles.plot}>
        <svg
          class={styles.bars}
          viewBox={`0 0 ${buckets.length} ${most}`}
          preserveAspectRatio="none"
          aria-hidden="true"
        >
          {buckets.map(({ count }, bucket) => {
            let y = most;
            return count === 0
              ? null
              : STACK.map(([look, names]) => {
                  const height = sumOf(bucket, names);
                  y -= height;
                  return height > 0 ? (
                    <rect
                      key={`${bucket} ${look}`}
                      class={styles[look]}
                      x={bucket + 0.08}
                      y={y}
                      width="0.84"
                      height={height}
                    />
                  ) : null;
                });
          })}
        </svg>
        <Brush
          horizontal={true}
          onSelect={({ left, right }) => setAbsoluteRange(at(left), at(right))}
          onHover={(x) =>
            (hover.value = x === undefined ? undefined : Math.min(buckets.length - 1, Math.floor(x * buckets.length)))
          }
        />
        <figcaption class={styles.caption}>
          {hover.value !== undefined &&
            `${clock(at(hover.value / buckets.length))} · ${plural(buckets[hover.value]?.count ?? 0, "line")} · ${plural(sumOf(hover.value, STACK[0][1]), "error")} · ${plural(sumOf(hover.value, STACK[1][1]), "warning")}`}
        </figcaption>
      </div>
      <TimeAxis range={{ startMs, endMs }} most={10} />
    </figure>
  );
}
