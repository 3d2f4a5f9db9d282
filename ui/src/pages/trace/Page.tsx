/** One trace. */

import { useEffect, useMemo } from "preact/hooks";
import { getBytes, getJson, url } from "../../api/client";
import type { LogPage } from "../../api/types";
import layout from "../../kit/layout.module.css";
import { Failure } from "../../kit/Message";
import { Splitter } from "../../kit/Splitter";
import { useResource } from "../../lib/resource";
import { path } from "../../lib/route";
import { usePageTitle } from "../../lib/title";
import { nameOf, parseFrame, serviceOf, type TraceFrame } from "../../trace/frame";
import { Header } from "./Header";
import { Minimap } from "./Minimap";
import { SpanPanel } from "./SpanPanel";
import { Toolbar } from "./Toolbar";
import { TraceKeys } from "./TraceKeys";
import { TracePanel } from "./TracePanel";
import { createView, keepInUrl, panelWidth } from "./view";
import { Waterfall } from "./Waterfall";

const FRAME_TYPE = "application/vnd.tracewell.trace-frame";
/** More logs than these are for the page of logs. */
const LOGS_MAX = 1_000;

const traceId = () => path.value.split("/")[2] ?? "";

export default function TracePage() {
  const address = () => url(`/traces/${encodeURIComponent(traceId())}/frame`);
  const frame = useResource<TraceFrame>(address, async (abort) =>
    parseFrame(await getBytes(address(), FRAME_TYPE, abort)),
  );
  const { data, error } = frame.value;
  if (error) return <Failure error={error} />;
  // While another trace loads, the one before is not shown under its address.
  return data && data.traceId === traceId().toLowerCase() ? <Trace key={data.traceId} frame={data} /> : null;
}

function Trace({ frame }: { frame: TraceFrame }) {
  const view = useMemo(() => createView(frame), [frame]);
  useEffect(() => keepInUrl(view), [view]);
  const logsAddress = url(`/traces/${frame.traceId}/logs`, { limit: LOGS_MAX });
  const logs = useResource<LogPage>(
    () => logsAddress,
    (abort) => getJson(logsAddress, abort),
  ).value;
  usePageTitle(`${serviceOf(frame, 0)} ${nameOf(frame, 0)}`);
  const isSpan = view.selected.value >= 0;
  return (
    <>
      <TraceKeys view={view} />
      <Header frame={frame} />
      <Minimap view={view} />
      <Toolbar view={view} />
      <div class={layout.columns}>
        <Waterfall view={view} logs={logs.data?.logs ?? []} />
        <Splitter size={panelWidth} least={260} most={900} side={-1} label="Width of the details" />
        <aside
          class={layout.panel}
          data-optional={!isSpan}
          style={{ width: `${panelWidth.value}px` }}
          aria-label={isSpan ? "Selected span" : "Summary of the trace"}
        >
          {isSpan ? <SpanPanel view={view} logs={logs} /> : <TracePanel view={view} logs={logs} />}
        </aside>
      </div>
    </>
  );
}
