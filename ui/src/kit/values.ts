/** What can be done with a value of a field, on any page: every choice is a query that can be read. */

import type { Signal } from "../api/types";
import { copy } from "../lib/copy";
import { rangeParameters } from "../lib/range";
import { href, hrefWith, param, path, push } from "../lib/route";
import { addTerm, removeTerm, termText } from "../query/edit";
import { type MenuItem, showMenu } from "./menu";

export interface FieldValue {
  field: string;
  value: string;
}

/** The signal whose query bar is on screen, if there is one. */
export function signalOnScreen(): Signal | undefined {
  return path.peek() === "/traces" ? "traces" : path.peek() === "/logs" ? "logs" : undefined;
}

/** The present query with a term added. */
export function narrow({ field, value }: FieldValue, negated: boolean): void {
  push(hrefWith({ q: addTerm(param("q"), { field, operator: ":", value, negated }) }));
}

/** The present query without a term. */
export function widen({ field, value }: FieldValue, negated: boolean): void {
  push(hrefWith({ q: removeTerm(param("q"), { field, operator: ":", value, negated }) }));
}

/** A link to the search of a signal for one value. */
export function searchFor(signal: Signal, { field, value }: FieldValue): string {
  return href(`/${signal}`, { ...rangeParameters(), q: termText({ field, operator: ":", value, negated: false }) });
}

/** Opens the menu of a value. */
export function showValueMenu(opener: HTMLElement, target: FieldValue): void {
  showMenu(opener, `${target.field} = ${target.value}`, itemsFor(target));
}

function itemsFor(target: FieldValue): MenuItem[] {
  const here = signalOnScreen();
  const elsewhere = (signal: Signal): MenuItem => ({
    label: `Find ${signal} with it`,
    href: searchFor(signal, target),
  });
  return [
    ...(here ? [{ label: "Only this", run: () => narrow(target, false) }] : []),
    ...(here ? [{ label: "Exclude", note: "x", run: () => narrow(target, true) }] : []),
    ...(here === "traces" ? [] : [elsewhere("traces")]),
    ...(here === "logs" ? [] : [elsewhere("logs")]),
    { label: "Copy value", run: () => void copy(target.value, "Value copied") },
    {
      label: "Copy as query",
      run: () => void copy(termText({ ...target, operator: ":", negated: false }), "Query copied"),
    },
  ];
}
