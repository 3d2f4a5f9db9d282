/** The table of services: every number leads to what it counts. */

import { useRef } from "preact/hooks";
import type { ServiceSummary } from "../../api/types";
import { Service, serviceLabel } from "../../kit/Service";
import { Spark } from "../../kit/Spark";
import { compact, duration, durationLiteral, percent, rate } from "../../lib/format";
import { useCursor } from "../../lib/cursor";
import type { ListHandle } from "../../lib/listHandle";
import { push } from "../../lib/route";
import { logsOf, tracesOf } from "./links";
import styles from "./ServiceTable.module.css";
import { errorTrend, latencyTrend, type SortKey, type Trend } from "./trend";

interface Props {
  services: readonly ServiceSummary[];
  before: ReadonlyMap<string, ServiceSummary>;
  sort: SortKey;
  chosen: ServiceSummary | undefined;
  onSort: (key: SortKey) => void;
  onChoose: (service: ServiceSummary | undefined) => void;
}

const COLUMNS: readonly (readonly [SortKey, string])[] = [
  ["name", "Service"],
  ["rate", "Rate"],
  ["errors", "Errors"],
  ["p50", "p50"],
  ["p95", "p95"],
  ["logs", "Logs"],
];

export function ServiceTable({ services, before, sort, chosen, onSort, onChoose }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<ListHandle | undefined>({
    reveal: (index) => box.current?.querySelectorAll("tbody tr")[index]?.scrollIntoView({ block: "nearest" }),
    isAtTop: () => true,
  });
  const cursor = useCursor({
    count: () => services.length,
    list,
    onOpen: (index) => {
      const { isOther, name } = services[index]!;
      if (!isOther) push(tracesOf(name));
    },
  });
  const greatestRate = Math.max(...services.map(({ ratePerSecond }) => ratePerSecond));
  return (
    <div ref={box} class={styles.scroll} tabIndex={0} role="region" aria-label="Table of services">
      <table class={styles.table}>
        <thead>
          <tr>
            {COLUMNS.map(([key, label]) => (
              <th
                key={key}
                scope="col"
                aria-sort={sort === key ? (key === "name" ? "ascending" : "descending") : undefined}
              >
                <button class={styles.sort} onClick={() => onSort(key)}>
                  {label}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {services.map((service, index) => (
            <Row
              key={`${service.isOther} ${service.name}`}
              service={service}
              before={service.isOther ? undefined : before.get(service.name)}
              greatestRate={greatestRate}
              isMarked={index === cursor.value || service === chosen}
              onChoose={() => onChoose(service === chosen ? undefined : service)}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps {
  service: ServiceSummary;
  before: ServiceSummary | undefined;
  greatestRate: number;
  isMarked: boolean;
  onChoose: () => void;
}

function Row({ service, before, greatestRate, isMarked, onChoose }: RowProps) {
  const { name, isOther, spanCount, errorCount, p50Nano, p95Nano, series } = service;
  // What stands for many services leads to none of them.
  const link = (href: string) => (isOther ? {} : { href });
  const failed = errorCount > 0;
  const shares = series.errorCounts.map((count, index) => count / Math.max(1, series.spanCounts[index] ?? 0));
  return (
    <tr class={styles.row} data-marked={isMarked}>
      <th scope="row">
        <div class={styles.name}>
          {isOther ? (
            "(others)"
          ) : (
            <>
              <a href={tracesOf(name)}>
                <Service name={name} />
              </a>
              <button
                class={styles.more}
                aria-label={`Operations of ${serviceLabel(name)}`}
                aria-pressed={isMarked}
                onClick={onChoose}
              >
                operations
              </button>
            </>
          )}
        </div>
      </th>
      <td>
        <a class={styles.cell} {...link(tracesOf(name))}>
          <span class={styles.number}>{rate(service.ratePerSecond, greatestRate)}</span>
          <Spark class={styles.spark} values={series.spanCounts} />
        </a>
      </td>
      <td>
        <a class={styles.cell} {...link(tracesOf(name, { error: true }))}>
          <span class={`${styles.number} ${failed ? styles.bad : styles.none}`}>
            {failed ? percent(errorCount, spanCount) : "·"}
          </span>
          <Spark class={`${styles.spark} ${failed ? styles.bad : ""}`} values={failed ? shares : []} />
          <Arrow trend={errorTrend(service, before)} what="errors" />
        </a>
      </td>
      <td class={styles.number}>{p50Nano === null ? "–" : duration(p50Nano)}</td>
      <td>
        <a
          class={styles.cell}
          {...link(tracesOf(name, p95Nano === null ? {} : { slowerThan: durationLiteral(p95Nano) }))}
        >
          <span class={styles.number}>{p95Nano === null ? "–" : duration(p95Nano)}</span>
          <Spark class={styles.spark} values={series.p95Nano} />
          <Arrow trend={latencyTrend(service, before)} what="latency" />
        </a>
      </td>
      <td class={styles.number}>
        <a {...link(logsOf(name))}>{service.logCount > 0 ? compact(service.logCount) : "·"}</a>
      </td>
    </tr>
  );
}

function Arrow({ trend, what }: { trend: Trend; what: string }) {
  if (trend === "same") return <span class={styles.arrow} />;
  const words = `${what} ${trend === "up" ? "rose" : "fell"} against the range before`;
  return (
    <span
      class={`${styles.arrow} ${trend === "up" ? styles.bad : styles.calm}`}
      role="img"
      aria-label={words}
      title={words}
    >
      {trend === "up" ? "▲" : "▼"}
    </span>
  );
}
