/** How to send data, and whether it arrives. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { getJson, url } from "../../api/client";
import type { Status } from "../../api/types";
import controls from "../../kit/controls.module.css";
import { Icon } from "../../kit/Icon";
import { TabPanel, Tabs } from "../../kit/Tabs";
import { copy } from "../../lib/copy";
import { hrefWith, param, replace } from "../../lib/route";
import { usePageTitle } from "../../lib/title";
import { Arrivals } from "./Arrivals";
import styles from "./Page.module.css";
import { endpointsOf, snippets } from "./snippets";

const POLL_MS = 1_500;

export default function SetupPage() {
  usePageTitle("Setup");
  const status = useSignal<Status | undefined>(undefined);
  useEffect(() => poll((found) => (status.value = found)), []);
  const endpoints = endpointsOf(status.value?.addresses, window.location.hostname);
  const all = snippets(endpoints, Date.now());
  const chosen = all.find(({ id }) => id === param("with")) ?? all[0]!;
  return (
    <div class={styles.scroll}>
      <div class={styles.page}>
        <h1 class={styles.title}>Send traces and logs</h1>
        <p class={styles.lead}>
          Tracewell takes OTLP over HTTP at <code>{endpoints.http}</code> and over gRPC at{" "}
          <code>{endpoints.grpc.replace("http://", "")}</code>.
        </p>
        <Arrivals status={status.value} />
        <div class={styles.snippet}>
          <Tabs
            name="setup"
            label="Ways to send"
            selected={chosen.id}
            onSelect={(id) => replace(hrefWith({ with: id === "environment" ? undefined : id }))}
            tabs={all}
          />
          <TabPanel name="setup" selected={chosen.id}>
            <p class={styles.note}>{chosen.note}</p>
            <div class={styles.code}>
              <pre tabIndex={0} aria-label="Snippet">
                {chosen.text}
              </pre>
              <button class={`${controls.button} ${styles.copy}`} onClick={() => void copy(chosen.text)}>
                <Icon name="copy" /> Copy
              </button>
            </div>
          </TabPanel>
        </div>
        <p class={styles.lead}>
          Zipkin clients send to <code>{window.location.origin}/zipkin/api/v2/spans</code>. Several tenants are told
          apart by the header <code>X-Scope-OrgID</code>.
        </p>
      </div>
    </div>
  );
}

/** Asks for the status again and again until the returned function is called. */
function poll(onStatus: (status: Status) => void): () => void {
  const abort = new AbortController();
  let timer = 0;
  const ask = async () => {
    try {
      onStatus(await getJson<Status>(url("/status"), abort.signal));
    } catch {
      // The server may be starting; the next question tells.
    }
    if (!abort.signal.aborted) timer = window.setTimeout(() => void ask(), POLL_MS);
  };
  void ask();
  return () => {
    abort.abort();
    clearTimeout(timer);
  };
}
