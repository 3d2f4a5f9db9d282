/** Search logs, or follow them live. */

import { signal, untracked, useComputed, useSignalEffect } from "@preact/signals";
import { searchAddress } from "../../api/address";
import { getJson } from "../../api/client";
import type { LogPage, LogRecord } from "../../api/types";
import controls from "../../kit/controls.module.css";
import { Facets } from "../../kit/Facets";
import { Icon } from "../../kit/Icon";
import layout from "../../kit/layout.module.css";
import { Failure, Message } from "../../kit/Message";
import { QueryInput } from "../../kit/QueryInput";
import { SearchStatus } from "../../kit/SearchStatus";
import { Splitter } from "../../kit/Splitter";
import { clock } from "../../lib/clock";
import { useKeys } from "../../lib/keys";
import { usePages } from "../../lib/pages";
import { range, refresh, resolved } from "../../lib/range";
import { hrefWith, param, replace } from "../../lib/route";
import { storedNumber } from "../../lib/stored";
import { usePageTitle } from "../../lib/title";
import { useChosen } from "./chosen";
import { foundWords } from "./found";
import { Histogram } from "./Histogram";
import { useCounts } from "./liveCounts";
import { LogList } from "./LogList";
import { LogPanel } from "./LogPanel";
import { keyOf } from "./record";
import { useTail } from "./tail";

const PAGE_ROWS = 300;
const LIVE_START = "now-15m";

const panelWidth = storedNumber("logs.panel", 420, 260, 900);
/** Open facets; they stay open from one search to the next. */
const openFacets = signal<readonly string[]>(["severity", "service"]);
const wrap = signal(false);

export default function LogsPage() {
  usePageTitle("Logs");
  const isLive = useComputed(() => param("live") === "1");
  const { list, more } = usePages<LogRecord, LogPage>(
    () => searchAddress("logs", "", { limit: PAGE_ROWS }),
    async (key, cursor, abort) => {
      const answer = await getJson<LogPage>(
        cursor === null ? key : `${key}&cursor=${encodeURIComponent(cursor)}`,
        abort,
      );
      return { page: { items: answer.logs, nextCursor: answer.nextCursor }, answer };
    },
  );
  const counts = useCounts(isLive);
  const tail = useTail(isLive);
  const records = useComputed(() =>
    tail.lines.value.length > 0 ? [...tail.lines.value, ...list.value.items] : list.value.items,
  );
  const chosen = useChosen(records);
  const choose = (record: LogRecord | undefined) => replace(hrefWith({ log: record && keyOf(record) }));
  const toggleLive = () => {
    // What follows live begins at the present.
    const start = isLive.peek() || range.peek().end === "now" ? {} : { start: LIVE_START, end: undefined };
    if (!isLive.peek()) refresh();
    replace(hrefWith({ ...start, live: isLive.peek() ? undefined : "1" }));
  };
  useKeys({ f: toggleLive, w: () => (wrap.value = !wrap.peek()) });
  useSignalEffect(() => {
    void resolved.value;
    untracked(tail.clear);
  });
  useSignalEffect(() => tail.exclude(list.value.items));

  const { first, nextCursor, loading, error } = list.value;
  const histogram = counts.value?.histogram;
  const follows = isLive.value && range.value.end === "now";
  const found = foundWords({
    total: histogram?.count,
    listed: records.value.length,
    live: tail.lines.value.length,
    hasMore: nextCursor !== null,
    countedTo: follows && counts.value ? clock(counts.value.of.endMs) : undefined,
  });
  return (
    <>
      <h1 class="hidden">Logs</h1>
      <QueryInput signal="logs" placeholder='service:payment timeout -"health check" severity>=warn' error={error} />
      <SearchStatus found={found} answer={first} loading={loading}>
        <button
          class={`${controls.quiet} ${wrap.value ? controls.on : ""}`}
          aria-pressed={wrap.value}
          title="Wrap lines (w)"
          onClick={() => (wrap.value = !wrap.peek())}
        >
          Wrap
        </button>
        <button
          class={`${controls.quiet} ${isLive.value ? controls.on : ""}`}
          aria-pressed={isLive.value}
          title="Follow new lines (f)"
          onClick={toggleLive}
        >
          <Icon name={isLive.value ? "pause" : "play"} /> {tail.words.value}
        </button>
      </SearchStatus>
      <div class={layout.columns}>
        <Facets signal="logs" open={openFacets} />
        <section class={layout.main} aria-label="Results">
          {error && <Failure error={error} retry={refresh} />}
          {!error && histogram && <Histogram histogram={histogram} />}
          {!error && records.value.length > 0 && (
            <LogList
              records={records.value}
              chosen={chosen.value}
              wrap={wrap.value}
              tail={tail}
              onChoose={choose}
              onEnd={more}
            />
          )}
          {!error && records.value.length === 0 && !loading && <Nothing isLive={isLive.value} />}
        </section>
        {chosen.value && (
          <>
            <Splitter size={panelWidth} least={260} most={900} side={-1} label="Width of the details" />
            <aside class={layout.panel} style={{ width: `${panelWidth.value}px` }} aria-label="Selected log record">
              <LogPanel record={chosen.value} onClose={() => choose(undefined)} />
            </aside>
          </>
        )}
      </div>
    </>
  );
}

function Nothing({ isLive }: { isLive: boolean }) {
  if (isLive) return <Message title="Waiting for new lines." />;
  return (
    <Message title="No line meets this.">
      <p>
        {param("q") ? "Take a term away, or look at a longer time." : "Look at a longer time, or "}
        {!param("q") && <a href="/setup">send logs</a>}
      </p>
    </Message>
  );
}
