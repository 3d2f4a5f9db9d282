/** The selected span: what it is, and its attributes, events, logs and links. */

import { getJson, url } from "../../api/client";
import type { LogPage, SpanDetail } from "../../api/types";
import { AttributeTable } from "../../kit/Attributes";
import controls from "../../kit/controls.module.css";
import { Icon } from "../../kit/Icon";
import { Failure } from "../../kit/Message";
import { Service } from "../../kit/Service";
import { TabPanel, Tabs } from "../../kit/Tabs";
import { showValueMenu } from "../../kit/values";
import { duration, percent } from "../../lib/format";
import { useKeys } from "../../lib/keys";
import { type Resource, useResource } from "../../lib/resource";
import { hrefWith, param, replace } from "../../lib/route";
import { hueClass } from "../../trace/colors";
import { isError, kindOf, nameOf, serviceOf, spanIdOf } from "../../trace/frame";
import { LogLines } from "./LogLines";
import styles from "./Panel.module.css";
import { Events, Links } from "./SpanParts";
import type { TraceView } from "./view";

interface Props {
  view: TraceView;
  logs: Resource<LogPage>;
}

const TABS = ["attributes", "events", "logs", "links"] as const;

export function SpanPanel({ view, logs }: Props) {
  const { frame } = view;
  const row = view.selected.value;
  const spanId = spanIdOf(frame, row);
  const address = () => url(`/traces/${frame.traceId}/spans/${spanIdOf(frame, Math.max(0, view.selected.value))}`);
  const detail = useResource<SpanDetail>(address, (abort) => getJson(address(), abort)).value;
  const spanLogs = (logs.data?.logs ?? []).filter((log) => log.spanId === spanId);
  const tab = TABS.find((name) => name === param("tab")) ?? "attributes";
  const choose = (name: string) => replace(hrefWith({ tab: name === "attributes" ? undefined : name }));
  useKeys({
    "1": () => choose("attributes"),
    "2": () => choose("events"),
    "3": () => choose("logs"),
    "4": () => choose("links"),
    ".": () => {
      const heading = document.getElementById("span-name");
      if (heading) showValueMenu(heading, { field: "name", value: nameOf(frame, row) });
    },
  });
  const span = detail.data?.spanId === spanId ? detail.data : undefined;
  return (
    <>
      <Summary view={view} span={span} />
      <Tabs
        name="span-tab"
        label="Parts of the span"
        selected={tab}
        onSelect={choose}
        tabs={[
          { id: "attributes", label: "Attributes" },
          { id: "events", label: "Events", count: frame.events[row] },
          { id: "logs", label: "Logs", count: spanLogs.length },
          { id: "links", label: "Links", count: frame.links[row] },
        ]}
      />
      <TabPanel name="span-tab" selected={tab}>
        {detail.error && <Failure error={detail.error} />}
        {tab === "logs" && (
          <LogLines logs={spanLogs} traceId={frame.traceId} spanId={spanId} none="This span wrote no logs." />
        )}
        {span && tab === "attributes" && <SpanAttributes span={span} />}
        {span && tab === "events" && <Events span={span} />}
        {span && tab === "links" && <Links span={span} />}
      </TabPanel>
    </>
  );
}

function Summary({ view, span }: { view: TraceView; span: SpanDetail | undefined }) {
  const { frame, tree } = view;
  const row = view.selected.value;
  const nano = frame.duration[row]!;
  const service = serviceOf(frame, row);
  return (
    <header class={styles.summary}>
      <button
        class={`${controls.quiet} ${styles.close}`}
        aria-label="Close the span"
        onClick={() => (view.selected.value = -1)}
      >
        <Icon name="close" />
      </button>
      <p class={styles.kind}>
        <Service name={service} hue={hueClass(view.places[frame.service[row]!]!)} /> · {kindOf(frame, row)}
      </p>
      <h2 id="span-name" class={styles.name} tabIndex={-1}>
        {nameOf(frame, row) || "(no name)"}
      </h2>
      <p class={styles.facts}>
        <strong>{duration(nano)}</strong> · begins at {duration(frame.start[row]!)} · own work{" "}
        {duration(tree.self[row]!)}
        {nano > 0 && ` (${percent(tree.self[row]!, nano)})`}
      </p>
      {isError(frame, row) && <p class={styles.error}>✕ {span?.statusMessage || "error"}</p>}
    </header>
  );
}

function SpanAttributes({ span }: { span: SpanDetail }) {
  const { scope } = span;
  const identity = {
    span_id: span.spanId,
    ...(span.parentSpanId ? { parent_span_id: span.parentSpanId } : {}),
    ...(span.traceState ? { trace_state: span.traceState } : {}),
  };
  const scopeFacts = {
    ...(scope.name ? { name: scope.name } : {}),
    ...(scope.version ? { version: scope.version } : {}),
  };
  return (
    <>
      <AttributeTable title="Span" attributes={span.attributes} place="span." dropped={span.droppedAttributesCount} />
      <AttributeTable title="Resource" attributes={span.resource} place="resource." />
      <AttributeTable title="Scope" attributes={{ ...scopeFacts, ...scope.attributes }} place="scope." />
      <AttributeTable title="Identity" attributes={identity} place="" />
    </>
  );
}
