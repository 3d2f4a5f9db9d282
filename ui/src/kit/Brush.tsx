/** A transparent layer over a chart on which a stretch is chosen by dragging. Shares of width and height, from 0 to 1. */

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import styles from "./Brush.module.css";

export interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

interface Props {
  /** Whether only a stretch of the width is chosen, not a rectangle. */
  horizontal: boolean;
  onSelect: (box: Box) => void;
  onHover?: (x: number | undefined, y: number) => void;
}

const DRAG_PX_MIN = 4;

export function Brush({ horizontal, onSelect, onHover }: Props) {
  const layer = useRef<HTMLDivElement>(null);
  const box = useSignal<Box | undefined>(undefined);
  const from = useRef<{ x: number; y: number } | undefined>(undefined);

  const at = (event: PointerEvent) => {
    const { left, top, width, height } = layer.current!.getBoundingClientRect();
    const share = (value: number) => Math.min(1, Math.max(0, value));
    return { x: share((event.clientX - left) / width), y: share((event.clientY - top) / height), width, height };
  };
  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0) return;
    layer.current!.setPointerCapture(event.pointerId);
    from.current = at(event);
  };
  const onPointerMove = (event: PointerEvent) => {
    const { x, y, width } = at(event);
    onHover?.(x, y);
    const start = from.current;
    if (!start || Math.abs(x - start.x) * width < DRAG_PX_MIN) return;
    const [top, bottom] = horizontal ? [0, 1] : [Math.min(start.y, y), Math.max(start.y, y)];
    box.value = { left: Math.min(start.x, x), right: Math.max(start.x, x), top, bottom };
  };
  const drop = () => {
    from.current = undefined;
    box.value = undefined;
  };
  const onPointerUp = () => {
    const chosen = box.peek();
    drop();
    if (chosen) onSelect(chosen);
  };

  const chosen = box.value;
  return (
    <div
      ref={layer}
      class={styles.layer}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerUp}
      onPointerCancel={drop}
      onPointerLeave={() => onHover?.(undefined, 0)}
    >
      {chosen && (
        <div
          class={styles.box}
          style={{
            left: `${chosen.left * 100}%`,
            width: `${(chosen.right - chosen.left) * 100}%`,
            top: `${chosen.top * 100}%`,
            height: `${(chosen.bottom - chosen.top) * 100}%`,
          }}
        />
      )}
    </div>
  );
}
