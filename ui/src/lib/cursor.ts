/** The chosen row of a list and the keys that move it. */

import { type Signal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import type { ListHandle } from "./listHandle";
import { useKeys } from "./keys";

interface Options {
  count: () => number;
  list: RefObject<ListHandle | undefined>;
  onOpen: (index: number) => void;
  /** Called when the row changes by key. */
  onMove?: (index: number) => void;
}

const PAGE_ROWS = 20;

/** -1 until a key chooses the first row. */
export function useCursor({ count, list, onOpen, onMove }: Options): Signal<number> {
  const cursor = useSignal(-1);
  const move = (step: number) => () => {
    if (count() === 0) return;
    cursor.value = Math.min(count() - 1, Math.max(0, cursor.peek() + step));
    list.current?.reveal(cursor.peek());
    onMove?.(cursor.peek());
  };
  useKeys({
    j: move(1),
    k: move(-1),
    ArrowDown: move(1),
    ArrowUp: move(-1),
    PageDown: move(PAGE_ROWS),
    PageUp: move(-PAGE_ROWS),
    Home: move(-Infinity),
    End: move(Infinity),
    Enter: (event) => {
      const isOnControl = (event.target as Element).closest("a, button");
      if (isOnControl) (isOnControl as HTMLElement).click();
      else if (cursor.peek() >= 0) onOpen(cursor.peek());
    },
  });
  return cursor;
}
