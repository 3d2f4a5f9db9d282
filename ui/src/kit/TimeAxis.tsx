/** Labels of a time axis below a chart. */

import { clockTicks, type ResolvedRange } from "../lib/time";
import { tickLabel, zoneOffsetMs } from "../lib/clock";
import styles from "./TimeAxis.module.css";

export function TimeAxis({ range, most = 8 }: { range: ResolvedRange; most?: number }) {
  const { startMs, endMs } = range;
  const ticks = clockTicks(range, most, zoneOffsetMs(startMs));
  const step = ticks.length > 1 ? ticks[1]! - ticks[0]! : 60_000;
  return (
    <div class={styles.axis} aria-hidden="true">
      {ticks.map((tick) => {
        const share = (tick - startMs) / (endMs - startMs);
        return share > 0.02 && share < 0.97 ? (
          <span key={tick} class={styles.tick} style={{ left: `${share * 100}%` }}>
            {tickLabel(tick, step)}
          </span>
        ) : null;
      })}
    </div>
  );
}
