/** The field sidebar: fields from the catalogue, the values of the open ones. Never holds up the results. */

import { useComputed, useSignal, type Signal as State } from "@preact/signals";
import { searchAddress } from "../api/address";
import { during, getJson, url } from "../api/client";
import type { Facet, FacetList, FieldList, Signal } from "../api/types";
import { compact } from "../lib/format";
import { resolved } from "../lib/range";
import { useResource } from "../lib/resource";
import { param } from "../lib/route";
import { hasTerm } from "../query/edit";
import controls from "./controls.module.css";
import styles from "./Facets.module.css";
import { Icon } from "./Icon";
import { narrow, showValueMenu, widen } from "./values";

interface Props {
  signal: Signal;
  /** Names of the fields that are open; the page keeps them. */
  open: State<readonly string[]>;
}

const SHOWN_MAX = 200;

export function Facets({ signal, open }: Props) {
  const filter = useSignal("");
  const fields = useResource<FieldList>(
    () => url("/fields", { signal, ...during(resolved.value) }),
    (abort) => getJson(url("/fields", { signal, ...during(resolved.peek()) }), abort),
  );
  const address = () =>
    open.value.length === 0 ? undefined : searchAddress(signal, "/facets", { fields: open.value.join(","), limit: 10 });
  const facets = useResource<FacetList>(address, (abort) => getJson(address()!, abort));
  const byField = useComputed(() => new Map((facets.value.data?.facets ?? []).map((facet) => [facet.field, facet])));
  const names = useComputed(() => {
    const catalogue = (fields.value.data?.fields ?? []).map(({ name }) => name).filter(isUseful);
    const rest = catalogue.filter((name) => !open.value.includes(name));
    const wanted = filter.value.toLowerCase();
    return [...open.value, ...rest].filter((name) => name.toLowerCase().includes(wanted));
  });
  const toggle = (name: string) => {
    open.value = open.value.includes(name) ? open.value.filter((other) => other !== name) : [...open.value, name];
  };
  return (
    <aside class={styles.sidebar} aria-label="Fields">
      <div class={styles.search}>
        <input
          class={controls.field}
          placeholder="Find a field"
          aria-label="Find a field"
          value={filter.value}
          onInput={(event) => (filter.value = event.currentTarget.value)}
        />
      </div>
      <ul class={styles.fields}>
        {names.value.slice(0, SHOWN_MAX).map((name) => (
          <li key={name}>
            <button class={styles.name} aria-expanded={open.value.includes(name)} onClick={() => toggle(name)}>
              <span class={styles.caret}>
                <Icon name={open.value.includes(name) ? "down" : "right"} />
              </span>
              <span class={styles.label} title={name}>
                {name}
              </span>
            </button>
            {open.value.includes(name) && (
              <Values name={name} facet={byField.value.get(name)} loading={facets.value.loading} />
            )}
          </li>
        ))}
      </ul>
    </aside>
  );
}

/** Fields whose values are all different, or whole texts, make no facet. */
function isUseful(name: string): boolean {
  return !/^(?:trace_id|span_id|parent_span_id|body|duration|trace_state)$/.test(name);
}

function Values({ name, facet, loading }: { name: string; facet: Facet | undefined; loading: boolean }) {
  if (!facet) return <p class={styles.note}>{loading ? "…" : "not available"}</p>;
  if (facet.values.length === 0) return <p class={styles.note}>no values</p>;
  const most = facet.values[0]!.count;
  return (
    <ul class={styles.values}>
      {facet.values.map(({ value, count }) => (
        <Value key={value} name={name} value={value} count={count} share={count / most} />
      ))}
      {facet.otherCount > 0 && (
        <li class={styles.note}>
          <span>others</span>
          <span>{compact(facet.otherCount)}</span>
        </li>
      )}
    </ul>
  );
}

function Value({ name, value, count, share }: { name: string; value: string; count: number; share: number }) {
  const target = { field: name, value };
  const has = (negated: boolean) => hasTerm(param("q"), { ...target, operator: ":", negated });
  const [isOnly, isExcluded] = [has(false), has(true)];
  const toggle = () => (isOnly || isExcluded ? widen(target, isExcluded) : narrow(target, false));
  return (
    <li class={styles.value}>
      <span class={styles.bar} style={{ transform: `scaleX(${share})` }} />
      <button
        class={styles.term}
        aria-pressed={isOnly || isExcluded}
        data-excluded={isExcluded}
        title={isOnly || isExcluded ? "Remove from the query" : `Only ${name} ${value}`}
        onClick={toggle}
      >
        <span class={styles.label}>{value === "" ? "(empty)" : value}</span>
        <span class={styles.count}>{compact(count)}</span>
      </button>
      <button
        class={styles.more}
        aria-label={`More about ${value || "(empty)"}`}
        aria-haspopup="menu"
        onClick={(event) => showValueMenu(event.currentTarget, target)}
      >
        <Icon name="more" />
      </button>
    </li>
  );
}
