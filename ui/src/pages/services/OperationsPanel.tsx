/** The operations of one service, and its calls. */

import { during, getJson, url } from "../../api/client";
import type { OperationList, ServiceMap, ServiceSummary } from "../../api/types";
import controls from "../../kit/controls.module.css";
import { Icon } from "../../kit/Icon";
import { Failure } from "../../kit/Message";
import { Service } from "../../kit/Service";
import { compact, duration, percent, rate } from "../../lib/format";
import { useKeys } from "../../lib/keys";
import { resolved } from "../../lib/range";
import { useResource } from "../../lib/resource";
import { Calls } from "./Calls";
import { logsOf, tracesOf } from "./links";
import styles from "./OperationsPanel.module.css";

interface Props {
  service: ServiceSummary;
  onClose: () => void;
}

export function OperationsPanel({ service, onClose }: Props) {
  const address = () => url(`/services/${encodeURIComponent(service.name)}/operations`, during(resolved.value));
  const { data, error } = useResource<OperationList>(address, (abort) => getJson(address(), abort)).value;
  const mapAddress = () => url("/service-map", during(resolved.value));
  const map = useResource<ServiceMap>(mapAddress, (abort) => getJson(mapAddress(), abort)).value;
  useKeys({ Escape: onClose });
  return (
    <>
      <header class={styles.head}>
        <button class={`${controls.quiet} ${styles.close}`} aria-label="Close" title="Close (Esc)" onClick={onClose}>
          <Icon name="close" />
        </button>
        <h2 class={styles.name}>
          <Service name={service.name} />
        </h2>
        <p class={styles.facts}>
          {rate(service.ratePerSecond)} · {percent(service.errorCount, service.spanCount)} errors · p99{" "}
          {service.p99Nano === null ? "–" : duration(service.p99Nano)}
        </p>
        <div class={styles.actions}>
          <a class={controls.button} href={tracesOf(service.name)}>
            Traces
          </a>
          <a class={controls.button} href={logsOf(service.name)}>
            Logs
          </a>
        </div>
      </header>
      <div class={styles.content} tabIndex={0} role="region" aria-label="Operations">
        {error && <Failure error={error} />}
        {data && <Operations list={data} service={service.name} />}
        {map.error && <Failure error={map.error} />}
        {map.data && <Calls map={map.data} service={service.name} />}
      </div>
    </>
  );
}

function Operations({ list, service }: { list: OperationList; service: string }) {
  const show = (nano: number | null) => (nano === null ? "–" : duration(nano));
  return (
    <table class={styles.table}>
      <thead>
        <tr>
          <th scope="col">Operation</th>
          <th scope="col">Spans</th>
          <th scope="col">Errors</th>
          <th scope="col">p50</th>
          <th scope="col">p95</th>
        </tr>
      </thead>
      <tbody>
        {list.operations.map(({ name, isOther, kind, spanCount, errorCount, p50Nano, p95Nano }) => (
          <tr key={`${kind} ${isOther} ${name}`}>
            <td class={styles.operation}>
              {isOther ? "(others)" : <a href={tracesOf(service, { operation: name })}>{name || "(no name)"}</a>}
              <span class={styles.kind}>{kind}</span>
            </td>
            <td>{compact(spanCount)}</td>
            <td class={errorCount > 0 ? styles.bad : styles.none}>
              {errorCount > 0 ? percent(errorCount, spanCount) : "·"}
            </td>
            <td>{show(p50Nano)}</td>
            <td>{show(p95Nano)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
