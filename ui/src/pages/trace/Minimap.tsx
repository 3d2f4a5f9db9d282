/** The whole trace in a strip; dragging zooms, a double click shows all again. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Brush } from "../../kit/Brush";
import { duration } from "../../lib/format";
import { isDark } from "../../lib/preferences";
import { clamp, isWhole, share, whole } from "../../trace/window";
import { drawMinimap } from "./drawMinimap";
import styles from "./Minimap.module.css";
import type { TraceView } from "./view";

export function Minimap({ view }: { view: TraceView }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useSignal(0);
  const dark = isDark.value;
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => (width.value = entry!.contentRect.width));
    observer.observe(canvas.current!);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (width.value > 0) drawMinimap(canvas.current!, view, width.value);
  }, [view, width.value, dark]);

  const { durationNano } = view.frame;
  const all = whole(durationNano);
  const window = view.window.value;
  const [left, right] = [share(all, window.from), share(all, window.to)];
  return (
    <div
      class={styles.minimap}
      role="img"
      aria-label={`The trace lasts ${duration(durationNano)}; shown are ${duration(window.from)} to ${duration(window.to)}`}
      title={isWhole(window, durationNano) ? "Drag to zoom" : "Double click to show all"}
      onDblClick={() => (view.window.value = all)}
    >
      <canvas ref={canvas} class={styles.canvas} />
      <div class={styles.shade} style={{ left: 0, width: `${left * 100}%` }} />
      <div class={styles.shade} style={{ right: 0, width: `${(1 - right) * 100}%` }} />
      <Brush
        horizontal={true}
        onSelect={(box) =>
          (view.window.value = clamp({ from: box.left * all.to, to: box.right * all.to }, durationNano))
        }
      />
    </div>
  );
}
