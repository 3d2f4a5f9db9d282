/** The log record that the URL names: one of the list, or else fetched by its time. */

import { type ReadonlySignal, useComputed } from "@preact/signals";
import { getJson, url } from "../../api/client";
import type { LogPage, LogRecord } from "../../api/types";
import { useResource } from "../../lib/resource";
import { param } from "../../lib/route";
import { chosenIn } from "./record";

/** Records of one instant that are looked through. */
const SAME_INSTANT_MAX = 200;

export function useChosen(records: ReadonlySignal<readonly LogRecord[]>): ReadonlySignal<LogRecord | undefined> {
  const listed = useComputed(() => chosenIn(records.value, param("log")));
  const address = () => {
    const time = /^\d+(?=-)/.exec(param("log"))?.[0];
    if (!time || listed.value) return undefined;
    return url("/logs", { start: time, end: String(BigInt(time) + 1n), limit: SAME_INSTANT_MAX });
  };
  const fetched = useResource<LogPage>(address, (abort) => getJson(address()!, abort));
  return useComputed(() => listed.value ?? chosenIn(fetched.value.data?.logs ?? [], param("log")));
}
