/** The time axis above the waterfall; dragging zooms. */

import { Brush } from "../../kit/Brush";
import { duration } from "../../lib/format";
import { clamp, share, ticks } from "../../trace/window";
import type { TraceView } from "./view";
import styles from "./Waterfall.module.css";

const TICKS_MAX = 6;
/** Labels further to the right would be cut. */
const TICK_SHARE_MAX = 0.92;

export function Ruler({ view }: { view: TraceView }) {
  const window = view.window.value;
  const width = window.to - window.from;
  const { durationNano } = view.frame;
  return (
    <div class={styles.ruler}>
      <span class={styles.names}>Span</span>
      <div class={styles.axis}>
        {ticks(window, TICKS_MAX)
          .filter((tick) => share(window, tick) < TICK_SHARE_MAX)
          .map((tick) => (
            <span key={tick} class={styles.tick} style={{ left: `${share(window, tick) * 100}%` }}>
              {tick === 0 ? "0" : duration(tick)}
            </span>
          ))}
        <Brush
          horizontal={true}
          onSelect={({ left, right }) =>
            (view.window.value = clamp(
              { from: window.from + left * width, to: window.from + right * width },
              durationNano,
            ))
          }
        />
      </div>
    </div>
  );
}
