/** How the server is. */

import { getJson, url } from "../../api/client";
import type { Status, TableStatus } from "../../api/types";
import { Failure } from "../../kit/Message";
import { dateTime, zoneName } from "../../lib/clock";
import { bytes, compact, count, duration } from "../../lib/format";
import { useResource } from "../../lib/resource";
import { nanoToMs } from "../../lib/time";
import { usePageTitle } from "../../lib/title";
import styles from "./Page.module.css";

export default function StatusPage() {
  usePageTitle("Status");
  const { data, error } = useResource<Status>(
    () => url("/status"),
    (abort) => getJson(url("/status"), abort),
  ).value;
  return (
    <div class={styles.scroll} tabIndex={0} role="region" aria-label="Status">
      <div class={styles.page}>
        <h1 class={styles.title}>Status</h1>
        {error && <Failure error={error} />}
        {data && <Facts status={data} />}
      </div>
    </div>
  );
}

function Facts({ status }: { status: Status }) {
  const { received, addresses } = status;
  const trouble = status.degraded ?? (status.ready ? undefined : "starting: what was stored before is being read");
  return (
    <>
      <p class={trouble ? styles.bad : styles.good}>{trouble ?? "Ready: takes data and answers."}</p>
      {status.damaged.map((file) => (
        <p key={file} class={styles.bad}>
          Damaged: {file}
        </p>
      ))}
      <dl class={styles.facts}>
        <Fact name="Version" value={status.version} />
        <Fact name="Running for" value={duration(status.uptimeSeconds * 1e9)} />
        <Fact name="OTLP/HTTP" value={addresses.otlpHttp ?? "off"} />
        <Fact name="OTLP/gRPC" value={addresses.otlpGrpc ?? "off"} />
        <Fact name="UI and API" value={addresses.http ?? "off"} />
        <Fact name="Journal" value={bytes(status.journalBytes)} />
      </dl>
      <h2 class={styles.heading}>Received since the start</h2>
      <table class={styles.table}>
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">Accepted</th>
            <th scope="col">Refused</th>
          </tr>
        </thead>
        <tbody>
          <Counts name="Spans" accepted={received.traces.acceptedRecords} refused={received.traces.rejectedRecords} />
          <Counts name="Log records" accepted={received.logs.acceptedRecords} refused={received.logs.rejectedRecords} />
          <Counts name="Requests" accepted={received.acceptedRequests} refused={received.refusedRequests} />
        </tbody>
      </table>
      <h2 class={styles.heading}>Stored</h2>
      {status.tables.length === 0 ? <p>Nothing yet.</p> : <Tables tables={status.tables} />}
    </>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Counts({ name, accepted, refused }: { name: string; accepted: number; refused: number }) {
  return (
    <tr>
      <td>{name}</td>
      <td>{count(accepted)}</td>
      <td class={refused > 0 ? styles.bad : undefined}>{count(refused)}</td>
    </tr>
  );
}

function Tables({ tables }: { tables: readonly TableStatus[] }) {
  const time = (nano: string | null) => (nano === null ? "–" : `${dateTime(nanoToMs(nano)).slice(0, 19)}`);
  return (
    <table class={styles.table}>
      <thead>
        <tr>
          <th scope="col">Tenant</th>
          <th scope="col">Signal</th>
          <th scope="col">In memory</th>
          <th scope="col">Segments</th>
          <th scope="col">Rows</th>
          <th scope="col">On disk</th>
          <th scope="col">Bytes a row</th>
          <th scope="col">From ({zoneName()})</th>
          <th scope="col">To</th>
        </tr>
      </thead>
      <tbody>
        {tables.map((table) => (
          <tr key={`${table.tenant} ${table.signal}`}>
            <td>{table.tenant}</td>
            <td>{table.signal}</td>
            <td>
              {compact(table.liveRows)} · {bytes(table.liveBytes)}
            </td>
            <td>{count(table.segments)}</td>
            <td>{compact(table.segmentRows)}</td>
            <td>{bytes(table.segmentBytes)}</td>
            <td>{table.segmentRows > 0 ? Math.round(table.segmentBytes / table.segmentRows) : "–"}</td>
            <td>{time(table.earliestTimeUnixNano)}</td>
            <td>{time(table.latestTimeUnixNano)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
