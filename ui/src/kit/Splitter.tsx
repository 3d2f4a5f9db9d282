/** A line between two parts that can be dragged, or moved with the arrow keys. */

import type { Signal } from "@preact/signals";
import styles from "./Splitter.module.css";

interface Props {
  /** Width in pixels of the part that the line resizes. */
  size: Signal<number>;
  least: number;
  most: number;
  /** 1 when the part is to the left of the line, -1 when it is to the right. */
  side: 1 | -1;
  label: string;
}

const KEY_STEP_PX = 16;

export function Splitter({ size, least, most, side, label }: Props) {
  const set = (value: number) => (size.value = Math.min(most, Math.max(least, value)));
  const onPointerDown = (event: PointerEvent) => {
    const element = event.currentTarget as HTMLElement;
    const from = event.clientX;
    const before = size.peek();
    element.setPointerCapture(event.pointerId);
    element.onpointermove = (move) => set(before + (move.clientX - from) * side);
    element.onpointerup = () => (element.onpointermove = null);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    set(size.peek() + step * KEY_STEP_PX * side);
  };
  return (
    <div
      class={styles.splitter}
      role="separator"
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={Math.round(size.value)}
      aria-valuemin={least}
      aria-valuemax={most}
      tabIndex={0}
      onPointerDown={onPointerDown}
      onKeyDown={onKeyDown}
    />
  );
}
