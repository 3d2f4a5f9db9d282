/** The trace as a whole: where its time went, its errors, its logs. Shown while no span is selected. */

import type { LogPage } from "../../api/types";
import { Service } from "../../kit/Service";
import { TabPanel, Tabs } from "../../kit/Tabs";
import { count, duration } from "../../lib/format";
import { useKeys } from "../../lib/keys";
import type { Resource } from "../../lib/resource";
import { hrefWith, param, replace } from "../../lib/route";
import { hueClass } from "../../trace/colors";
import { nameOf, rowOf, serviceOf } from "../../trace/frame";
import { LogLines } from "./LogLines";
import styles from "./Panel.module.css";
import { jumpTo, type TraceView } from "./view";

interface Props {
  view: TraceView;
  logs: Resource<LogPage>;
}

const SERVICES_SHOWN = 40;
const ERRORS_SHOWN = 50;

export function TracePanel({ view, logs }: Props) {
  const tab = param("tab") === "logs" ? "logs" : "services";
  const choose = (name: string) => replace(hrefWith({ tab: name === "logs" ? name : undefined }));
  useKeys({ "1": () => choose("services"), "3": () => choose("logs") });
  const openSpan = (spanId: string) => {
    const row = rowOf(view.frame, spanId);
    if (row >= 0) jumpTo(view, row);
  };
  const records = logs.data?.logs ?? [];
  return (
    <>
      <Tabs
        name="trace-tab"
        label="Parts of the trace"
        selected={tab}
        onSelect={choose}
        tabs={[
          { id: "services", label: "Summary" },
          { id: "logs", label: "Logs", count: records.length },
        ]}
      />
      <TabPanel name="trace-tab" selected={tab}>
        {tab === "logs" ? (
          <LogLines logs={records} traceId={view.frame.traceId} none="No log names this trace." onSpan={openSpan} />
        ) : (
          <>
            <Services view={view} />
            <Errors view={view} />
          </>
        )}
      </TabPanel>
    </>
  );
}

function Services({ view }: { view: TraceView }) {
  const { frame, selfByService } = view;
  const spans = new Uint32Array(frame.serviceNames.length);
  for (const service of frame.service) spans[service]! += 1;
  const total = selfByService.reduce((sum, nano) => sum + nano, 0) || 1;
  const order = frame.serviceNames.map((_, index) => index).sort((a, b) => view.places[a]! - view.places[b]!);
  return (
    <table class={styles.services}>
      <caption class="hidden">Services by their own work</caption>
      <thead>
        <tr>
          <th scope="col">Service</th>
          <th scope="col">Spans</th>
          <th scope="col">Own work</th>
        </tr>
      </thead>
      <tbody>
        {order.slice(0, SERVICES_SHOWN).map((service) => (
          <tr key={service} class={hueClass(view.places[service]!)}>
            <td>
              <Service name={frame.serviceNames[service]!} hue={hueClass(view.places[service]!)} />
            </td>
            <td>{count(spans[service]!)}</td>
            <td class={styles.work}>
              <span class={styles.workBar} style={{ transform: `scaleX(${selfByService[service]! / total})` }} />
              <span class={styles.workText}>{duration(selfByService[service]!)}</span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Errors({ view }: { view: TraceView }) {
  const { frame } = view;
  const rows: number[] = [];
  for (let row = 0; row < frame.spanCount && rows.length < ERRORS_SHOWN; row += 1) if (view.errors[row]) rows.push(row);
  if (rows.length === 0) return null;
  return (
    <section>
      <h3 class={styles.heading}>Errors</h3>
      <ul>
        {rows.map((row) => (
          <li key={row}>
            <button class={styles.errorRow} onClick={() => jumpTo(view, row)}>
              <span class={styles.bad}>✕</span>
              <span>
                <span class={styles.muted}>{serviceOf(frame, row)}</span> {nameOf(frame, row)}
              </span>
              <span class={styles.muted}>{duration(frame.duration[row]!)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
