/** A list of which only the visible rows exist. All rows have one height; the DOM rows are recycled. */

import { useSignal } from "@preact/signals";
import type { ComponentChildren, HTMLAttributes, RefObject } from "preact";
import { useCallback, useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { ListHandle } from "../lib/listHandle";
import { recall, remember } from "../lib/route";
import styles from "./VirtualList.module.css";

/** Browsers cap the height of an element; beyond this the scroll bar is scaled. */
const HEIGHT_PX_MAX = 15_000_000;
const OVERSCAN_ROWS = 6;
const JUMP_ROWS = 3;

interface Props {
  count: number;
  rowHeight: number;
  row: (index: number) => ComponentChildren;
  handle?: RefObject<ListHandle | undefined>;
  /** Called when the end comes near. */
  onEnd?: () => void;
  onTop?: (isAtTop: boolean) => void;
  /** Under this name the scroll position is remembered for Back. */
  name?: string;
  class?: string | undefined;
  /** Role, label and the like of the scrolling element. */
  attributes?: HTMLAttributes<HTMLDivElement>;
}

/** Draws the rows in view. */
export function VirtualList(props: Props) {
  const { count, rowHeight, row, handle, onEnd, onTop, name } = props;
  const box = useRef<HTMLDivElement>(null);
  const view = useSignal({ top: 0, height: 0 });
  const wasAtTop = useRef(true);
  const full = count * rowHeight;
  const drawn = Math.min(full, HEIGHT_PX_MAX);
  const scale = full > drawn ? (full - view.value.height) / (drawn - view.value.height) : 1;

  const measure = useCallback(() => {
    const element = box.current;
    if (!element) return;
    const { scrollTop: top, clientHeight: height } = element;
    if (top !== view.peek().top || height !== view.peek().height) view.value = { top, height };
  }, []);

  useLayoutEffect(() => {
    const element = box.current!;
    const saved = name === undefined ? undefined : recall(`scroll.${name}`);
    if (typeof saved === "number") element.scrollTop = saved;
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    if (name === undefined) return;
    const timer = setTimeout(() => remember(`scroll.${name}`, view.peek().top), 150);
    return () => clearTimeout(timer);
  }, [view.value.top]);

  if (handle) handle.current = handleOf(box, rowHeight, () => scale, measure);

  const virtualTop = view.value.top * scale;
  const first = Math.max(0, Math.floor(virtualTop / rowHeight) - OVERSCAN_ROWS);
  const last = Math.min(count, Math.ceil((virtualTop + view.value.height) / rowHeight) + OVERSCAN_ROWS);
  const isAtTop = view.value.top <= 0;
  useEffect(() => {
    if (last >= count && count > 0) onEnd?.();
    if (wasAtTop.current !== isAtTop) onTop?.((wasAtTop.current = isAtTop));
  });

  // A slot keeps its DOM row and gets another content: `first` moves by one, only one row changes.
  const slots = Math.max(1, Math.ceil(view.value.height / rowHeight) + 2 * OVERSCAN_ROWS + 1);
  const rows: ComponentChildren[] = [];
  for (let index = first; index < last; index += 1) {
    const y = index * rowHeight - virtualTop + view.value.top;
    rows.push(
      <div
        key={index % slots}
        class={styles.slot}
        role="presentation"
        style={{ transform: `translateY(${y}px)`, height: `${rowHeight}px` }}
      >
        {row(index)}
      </div>,
    );
  }
  return (
    <div ref={box} class={`${styles.list} ${props.class ?? ""}`} onScroll={measure} {...props.attributes}>
      <div class={styles.space} role="presentation" style={{ height: `${drawn}px` }}>
        {rows}
      </div>
    </div>
  );
}

function handleOf(
  box: RefObject<HTMLDivElement | null>,
  rowHeight: number,
  scale: () => number,
  measure: () => void,
): ListHandle {
  const scrollTo = (virtualTop: number) => {
    if (!box.current) return;
    box.current.scrollTop = virtualTop / scale();
    measure();
  };
  const place = () => {
    const top = (box.current?.scrollTop ?? 0) * scale();
    return { top, bottom: top + (box.current?.clientHeight ?? 0) };
  };
  return {
    reveal: (index) => {
      const { top, bottom } = place();
      const [rowTop, rowBottom] = [index * rowHeight, (index + 1) * rowHeight];
      const distance = Math.max(top - rowTop, rowBottom - bottom);
      if (distance <= 0) return;
      // A step scrolls by as much; a jump lands in the middle, where there is something around it.
      if (distance > JUMP_ROWS * rowHeight) scrollTo(Math.max(0, rowTop - (bottom - top) / 2));
      else scrollTo(rowTop < top ? rowTop : rowBottom - (bottom - top));
    },
    isAtTop: () => (box.current?.scrollTop ?? 0) <= 0,
  };
}
