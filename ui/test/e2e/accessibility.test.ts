import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { LogRecord } from "../../src/api/types";
import { at, close, offences, open, recordWithTrace } from "./session";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

interface Violation {
  id: string;
  nodes: { html: string; failureSummary: string }[];
}

let record: LogRecord;

beforeAll(async () => {
  record = await recordWithTrace();
});
afterEach(() => expect(offences.splice(0)).toEqual([]));
afterAll(close);

async function violations(page: Page): Promise<string[]> {
  // Through the protocol, not as a script element: the content security policy stays in force.
  await page.evaluate(AXE);
  const found = (await page.evaluate(`axe.run(document, { runOnly: ${JSON.stringify(TAGS)} })`)) as {
    violations: Violation[];
  };
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.slice(0, 3).map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`),
  );
}

const PAGES: readonly (readonly [name: string, path: () => string, ready: string])[] = [
  ["services", () => at("/services"), "table tbody tr"],
  ["traces", () => at("/traces"), "[role=grid] [role=row]"],
  ["nothing found", () => at("/traces", { q: "nothing-has-this-word" }), "main [role=status] p"],
  ["trace", () => at(`/trace/${record.traceId}`), "[role=treegrid] [role=row]"],
  ["span", () => at(`/trace/${record.traceId}`, { span: record.spanId }), "#span-tab-panel dl"],
  ["logs of a span", () => at(`/trace/${record.traceId}`, { span: record.spanId, tab: "logs" }), "#span-tab-panel ol"],
  ["logs", () => at("/logs"), "[role=grid] [role=row]"],
  ["error", () => at("/logs", { q: 'a "b' }), "[role=alert]"],
  ["unknown trace", () => "/trace/ffffffffffffffffffffffffffffffff", "[role=alert]"],
  ["setup", () => "/setup", "pre"],
  ["status", () => "/status", "table"],
  ["missing", () => "/no/such/page", "main [role=status]"],
];

describe.each(["light", "dark"] as const)("in the %s theme", (colorScheme) => {
  it.each(PAGES)("the page %s meets WCAG 2.2 AA", async (_, path, ready) => {
    const page = await open(path(), { colorScheme, reducedMotion: "reduce" });
    await page.locator(ready).first().waitFor();
    expect(await violations(page)).toEqual([]);
    await page.context().close();
  });

  it("overlays meet it too", async () => {
    const page = await open(at("/logs"), { colorScheme, reducedMotion: "reduce" });
    await page.locator("[role=grid] [role=row]").first().click();
    await page.getByRole("complementary", { name: "Selected log record" }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("t");
    await page.getByRole("dialog", { name: "Time range" }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.getByRole("dialog", { name: "Go to" }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.context().close();
  });
});
