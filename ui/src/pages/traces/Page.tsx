/** Search for traces. */

import { signal, useSignalEffect } from "@preact/signals";
import { searchAddress } from "../../api/address";
import { getJson } from "../../api/client";
import type { SpanHistogram, TracePage, TraceSummary } from "../../api/types";
import { Facets } from "../../kit/Facets";
import layout from "../../kit/layout.module.css";
import { Failure, Message } from "../../kit/Message";
import { QueryInput } from "../../kit/QueryInput";
import { SearchStatus } from "../../kit/SearchStatus";
import { plural } from "../../lib/format";
import { usePages } from "../../lib/pages";
import { refresh } from "../../lib/range";
import { useResource } from "../../lib/resource";
import { results } from "../../lib/results";
import { param } from "../../lib/route";
import { usePageTitle } from "../../lib/title";
import { Heatmap } from "./Heatmap";
import { TraceTable } from "./TraceTable";

const PAGE_ROWS = 200;
const BUCKETS = 90;

/** Open facets; they stay open from one search to the next. */
const openFacets = signal<readonly string[]>(["service", "status", "name", "kind"]);

export default function TracesPage() {
  usePageTitle("Traces");
  const { list, more } = usePages<TraceSummary, TracePage>(
    () => searchAddress("traces", "", { limit: PAGE_ROWS }),
    async (key, cursor, abort) => {
      const answer = await getJson<TracePage>(
        cursor === null ? key : `${key}&cursor=${encodeURIComponent(cursor)}`,
        abort,
      );
      return { page: { items: answer.traces, nextCursor: answer.nextCursor }, answer };
    },
  );
  const histogramAddress = () => searchAddress("traces", "/histogram", { buckets: BUCKETS });
  const histogram = useResource<SpanHistogram>(histogramAddress, (abort) => getJson(histogramAddress(), abort));
  useSignalEffect(() => {
    const { items, nextCursor } = list.value;
    const from = window.location.pathname + window.location.search;
    results.value = { traceIds: items.map(({ traceId }) => traceId), from, hasMore: nextCursor !== null };
  });
  const { items, first, nextCursor, loading, error } = list.value;
  return (
    <>
      <h1 class="hidden">Traces</h1>
      <QueryInput
        signal="traces"
        placeholder='service:checkout duration>500ms "card declined", or a trace id'
        error={error}
      />
      <SearchStatus found={foundWords(items.length, nextCursor)} answer={first} loading={loading} />
      <div class={layout.columns}>
        <Facets signal="traces" open={openFacets} />
        <section class={layout.main} aria-label="Results">
          {error ? (
            <Failure error={error} retry={refresh} />
          ) : (
            <>
              {histogram.value.data && <Heatmap histogram={histogram.value.data} />}
              {items.length > 0 && <TraceTable traces={items} onEnd={more} />}
              {items.length === 0 && !loading && <Nothing />}
            </>
          )}
        </section>
      </div>
    </>
  );
}

function foundWords(listed: number, nextCursor: string | null): string {
  return nextCursor === null ? plural(listed, "trace") : `${plural(listed, "trace")} listed, more below`;
}

function Nothing() {
  return (
    <Message title="No trace meets this.">
      <p>
        {param("q") ? "Take a term away, or look at a longer time." : "Look at a longer time, or "}
        {!param("q") && <a href="/setup">send traces</a>}
      </p>
    </Message>
  );
}
