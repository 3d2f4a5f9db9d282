/** The live line that says whether anything arrived. */

import type { Status } from "../../api/types";
import { plural } from "../../lib/format";
import styles from "./Page.module.css";

export function Arrivals({ status }: { status: Status | undefined }) {
  if (!status) return <p class={styles.arrivals}>Asking the server…</p>;
  const { traces, logs } = status.received;
  const stored = (signal: string) =>
    status.tables
      .filter((table) => table.signal === signal)
      .reduce((sum, { liveRows, segmentRows }) => sum + liveRows + segmentRows, 0);
  const [spans, records] = [
    Math.max(traces.acceptedRecords, stored("traces")),
    Math.max(logs.acceptedRecords, stored("logs")),
  ];
  const refused = traces.rejectedRecords + logs.rejectedRecords;
  return (
    <p class={styles.arrivals} role="status" data-alive={spans + records > 0}>
      <span class={styles.dot} />
      {spans + records === 0 ? "Waiting for data: " : "Data arrives: "}
      {spans > 0 ? <a href="/traces">{plural(spans, "span")}</a> : "0 spans"}
      {", "}
      {records > 0 ? <a href="/logs">{plural(records, "log record")}</a> : "0 log records"}
      {refused > 0 && <span class={styles.refused}>, {plural(refused, "record")} refused</span>}
    </p>
  );
}
