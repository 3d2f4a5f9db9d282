/** Follows the logs that the page searches. */

import { type ReadonlySignal, untracked, useComputed, useSignalEffect } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { url } from "../../api/client";
import { follow } from "../../api/stream";
import { param } from "../../lib/route";
import { LiveLines, type Tail } from "./liveLines";

/** Follows the query of the page while `isOn`. */
export function useTail(isOn: ReadonlySignal<boolean>): Tail {
  const tail = useMemo(() => new LiveLines(), []);
  const query = useComputed(() => param("q"));
  useSignalEffect(() => {
    void query.value;
    untracked(tail.clear);
  });
  useSignalEffect(() => {
    if (!isOn.value) return;
    const stop = follow(
      url("/logs/tail", { q: query.value }),
      ({ logs, droppedCount }) => tail.add(logs, droppedCount),
      (state) => (tail.state.value = state),
    );
    return () => {
      stop();
      tail.state.value = "off";
    };
  });
  return tail;
}
