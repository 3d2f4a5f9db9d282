/** Who calls a service, and whom it calls: services, databases, queues and others. */

import type { ServiceMap } from "../../api/types";
import { Service } from "../../kit/Service";
import { compact, duration, percent } from "../../lib/format";
import { type Call, calledBy, calls } from "./calls";
import styles from "./OperationsPanel.module.css";

interface Props {
  map: ServiceMap;
  service: string;
}

export function Calls({ map, service }: Props) {
  return (
    <>
      <Table title="Called by" calls={calledBy(map, service)} />
      <Table title="Calls" calls={calls(map, service)} />
    </>
  );
}

function Table({ title, calls }: { title: string; calls: Call[] }) {
  if (calls.length === 0) return null;
  return (
    <table class={styles.table}>
      <thead>
        <tr>
          <th scope="col">{title}</th>
          <th scope="col">Calls</th>
          <th scope="col">Errors</th>
          <th scope="col">p50</th>
          <th scope="col">p95</th>
        </tr>
      </thead>
      <tbody>
        {calls.map(({ node, edge }) => (
          <tr key={`${edge.kind} ${node.id}`}>
            <td class={styles.operation}>
              {node.kind === "service" && !node.isOther ? <Service name={node.name} /> : node.name || "(others)"}
              <span class={styles.kind}>{node.system || (edge.kind === "call" ? "" : edge.kind)}</span>
            </td>
            <td>{compact(edge.count)}</td>
            <td class={edge.errorCount > 0 ? styles.bad : styles.none}>
              {edge.errorCount > 0 ? percent(edge.errorCount, edge.count) : "·"}
            </td>
            <td>{duration(edge.p50Nano)}</td>
            <td>{duration(edge.p95Nano)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
