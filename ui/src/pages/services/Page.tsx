/** All services: rate, errors, duration, against the range before. */

import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { during, getJson, url } from "../../api/client";
import type { ServiceList, ServiceSummary } from "../../api/types";
import controls from "../../kit/controls.module.css";
import layout from "../../kit/layout.module.css";
import { Failure, Message } from "../../kit/Message";
import { serviceLabel } from "../../kit/Service";
import { Splitter } from "../../kit/Splitter";
import { plural } from "../../lib/format";
import { range, refresh, resolved } from "../../lib/range";
import { useResource } from "../../lib/resource";
import { hasParam, hrefWith, param, replace } from "../../lib/route";
import { storedNumber } from "../../lib/stored";
import { isRelative, previous } from "../../lib/time";
import { usePageTitle } from "../../lib/title";
import { OperationsPanel } from "./OperationsPanel";
import styles from "./Page.module.css";
import { ServiceTable } from "./ServiceTable";
import { type SortKey, sortServices } from "./trend";

/** How often the numbers follow the clock. */
const REFRESH_MS = 20_000;

const panelWidth = storedNumber("services.panel", 460, 300, 900);

function exactnessWords({ exactness }: ServiceList): string {
  switch (exactness?.state) {
    case "partial":
      return `partial: ${exactness.reason}`;
    case "estimated":
      return exactness.reason;
    default:
      return "exact";
  }
}

export default function ServicesPage() {
  usePageTitle("Services");
  const filter = useSignal("");
  const now = () => url("/services", during(resolved.value));
  const before = () => url("/services", during(previous(resolved.value)));
  const list = useResource<ServiceList>(now, (abort) => getJson(now(), abort));
  const past = useResource<ServiceList>(before, (abort) => getJson(before(), abort));
  const sort = useComputed(() => (param("sort") || "name") as SortKey);
  const services = useComputed(() => {
    const wanted = filter.value.toLowerCase();
    return sortServices(list.value.data?.services ?? [], sort.value).filter(({ name }) =>
      name.toLowerCase().includes(wanted),
    );
  });
  const byName = useComputed(
    () => new Map((past.value.data?.services ?? []).filter(({ isOther }) => !isOther).map((it) => [it.name, it])),
  );
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden && isRelative(range.peek())) refresh();
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, []);

  const { data, error, loading } = list.value;
  const isChosen = ({ name, isOther }: ServiceSummary) => !isOther && name === param("service");
  const chosen = hasParam("service") ? services.value.find(isChosen) : undefined;
  const choose = (service: ServiceSummary | undefined) => replace(hrefWith({ service: service?.name }));
  return (
    <div class={layout.columns}>
      <section class={layout.main}>
        <h1 class="hidden">Services</h1>
        <div class={styles.tools}>
          <input
            class={`${controls.field} ${styles.filter}`}
            placeholder="Filter services"
            aria-label="Filter services"
            value={filter.value}
            onInput={(event) => (filter.value = event.currentTarget.value)}
          />
          <p class={styles.note} role="status">
            {data &&
              `${plural(services.value.length, "service")} · entry spans · ${exactnessWords(data)} · arrows: against the time before`}
          </p>
        </div>
        {error && <Failure error={error} retry={refresh} />}
        {data && data.services.length === 0 && !loading && (
          <Message title="No service was active in this time.">
            <p>
              Look at a longer time, or <a href="/setup">send data</a>.
            </p>
          </Message>
        )}
        {services.value.length > 0 && (
          <ServiceTable
            services={services.value}
            before={byName.value}
            sort={sort.value}
            chosen={chosen}
            onSort={(key) => replace(hrefWith({ sort: key === "name" ? undefined : key }))}
            onChoose={choose}
          />
        )}
      </section>
      {chosen && (
        <>
          <Splitter size={panelWidth} least={300} most={900} side={-1} label="Width of the details" />
          <aside
            class={layout.panel}
            style={{ width: `${panelWidth.value}px` }}
            aria-label={`Operations of ${serviceLabel(chosen.name)}`}
          >
            <OperationsPanel key={chosen.name} service={chosen} onClose={() => choose(undefined)} />
          </aside>
        </>
      )}
    </div>
  );
}
