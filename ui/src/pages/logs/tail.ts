/** Follows the logs that the page searches. */

import { type ReadonlySignal, untracked, useComputed, useSignalEffect } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { getJson, url } from "../../api/client";
import { follow } from "../../api/stream";
import type { LogPage } from "../../api/types";
import { resolved } from "../../lib/range";
import { param } from "../../lib/route";
import { msToNano } from "../../lib/time";
import { LiveLines, type Tail } from "./liveLines";

/** As many lines are caught up with when the tail opens. */
const CAUGHT_UP_MAX = 1_000;
const OVERLAP_MS = 10_000;

/**
 * Lists what came since the search of the page, or while the tail was interrupted. The tail is open by now: every line comes
 * by one of the two.
 */
async function catchUp(tail: LiveLines, q: string, abort: AbortSignal): Promise<void> {
  // Records come late by as much as exporters gather them; what is listed already is left out.
  const start = msToNano(Math.min(resolved.peek().endMs, Date.now()) - OVERLAP_MS);
  const end = msToNano(Date.now() + OVERLAP_MS);
  const address = url("/logs", { q, start, end, limit: CAUGHT_UP_MAX });
  const answer = await getJson<LogPage>(address, abort).catch(() => undefined);
  if (answer && !abort.aborted) tail.catchUp(answer.logs);
}

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
    const words = query.value;
    const aborted = new AbortController();
    const stop = follow(
      url("/logs/tail", { q: words }),
      ({ logs, droppedCount }) => tail.add(logs, droppedCount),
      (state) => {
        tail.state.value = state;
        if (state === "open") void catchUp(tail, words, aborted.signal);
      },
    );
    return () => {
      stop();
      aborted.abort();
      tail.state.value = "off";
    };
  });
  return tail;
}
