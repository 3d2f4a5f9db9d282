/** The histogram and the total of the logs, which follow the clock while the page follows live. */

import { type ReadonlySignal, signal, untracked, useComputed, useSignalEffect } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { searchAddress } from "../../api/address";
import { during, getJson, url } from "../../api/client";
import type { LogHistogram } from "../../api/types";
import { poll } from "../../lib/poll";
import { range, resolved } from "../../lib/range";
import { type Resource, useResource } from "../../lib/resource";
import { param } from "../../lib/route";
import { resolve, type ResolvedRange } from "../../lib/time";

const BUCKETS = 120;
const EVERY_MS = 5_000;

export interface Counts {
  histogram: LogHistogram;
  /** The time that was counted. */
  of: ResolvedRange;
}

/** What the server counted last: for the range of the page, or while `isLive` for that range up to the present. */
export function useCounts(isLive: ReadonlySignal<boolean>): ReadonlySignal<Counts | undefined> {
  const address = () => searchAddress("logs", "/histogram", { buckets: BUCKETS });
  const searched: ReadonlySignal<Resource<LogHistogram>> = useResource(address, (abort) => getJson(address(), abort));
  const newer = useMemo(() => signal<Counts | undefined>(undefined), []);
  useSignalEffect(() => {
    const [wanted, q] = [range.value, param("q")];
    void resolved.value;
    untracked(() => (newer.value = undefined));
    if (!isLive.value || wanted.end !== "now") return undefined;
    return poll(EVERY_MS, async (abort) => {
      const of = resolve(wanted, Date.now());
      const histogram = await getJson<LogHistogram>(
        url("/logs/histogram", { q, ...during(of), buckets: BUCKETS }),
        abort,
      );
      if (!abort.aborted) newer.value = { histogram, of };
    });
  });
  return useComputed(() => {
    const { data } = searched.value;
    return newer.value ?? (data && { histogram: data, of: resolved.value });
  });
}
