import { expect, it } from "vitest";
import { placeOf } from "./places";

const ID = "4bf92f3577b34da6a3ce929d0e0e4736";

it.each([
  ["/", "start", "/"],
  ["/services", "services", "/services"],
  ["/traces", "traces", "/traces"],
  ["/traces/", "traces", "/traces"],
  ["/logs", "logs", "/logs"],
  ["/setup", "setup", "/setup"],
  ["/status", "status", "/status"],
  [`/trace/${ID}`, "trace", `/trace/${ID}`],
  [`/traces/${ID}`, "trace", `/trace/${ID}`],
  [`/traces/${ID}/`, "trace", `/trace/${ID}`],
])("%s shows the page %s, whose address is %s", (path, page, canonical) => {
  expect(placeOf(path)).toEqual({ page, path: canonical });
});

it.each(["/nowhere", "/trace", "/logs/x", `/trace/${ID}/x`, "/services/cart", "/constructor", "/__proto__"])(
  "%s is no page, and is left as it is",
  (path) => expect(placeOf(path)).toEqual({ page: "missing", path }),
);
