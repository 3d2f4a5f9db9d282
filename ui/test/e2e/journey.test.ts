import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { LogRecord } from "../../src/api/types";
import { at, close, offences, open, recordWithTrace } from "./session";

let record: LogRecord;

beforeAll(async () => {
  record = await recordWithTrace();
});
afterEach(() => expect(offences.splice(0)).toEqual([]));
afterAll(close);

it("goes from a search to a trace to its logs, and back", async () => {
  const page = await open(at("/traces"));
  await page.getByRole("grid", { name: "Traces" }).getByRole("row").first().waitFor();

  const query = page.getByRole("combobox", { name: "Search traces" });
  await query.fill(`trace_id:${record.traceId}`);
  await query.press("Escape");
  await query.press("Enter");
  await page.waitForURL(/q=trace_id/);
  const link = page.locator(`a[href^="/trace/${record.traceId}"]`).first();
  await link.waitFor();
  const name = await link.textContent();
  await link.click();

  await page.waitForURL(new RegExp(`/trace/${record.traceId}`));
  const spans = page.getByRole("treegrid", { name: "Spans of the trace" });
  await spans.getByRole("row").first().waitFor();
  expect(await page.getByRole("heading", { level: 1 }).textContent()).toContain(name);

  await page.getByRole("tab", { name: /^Logs/ }).click();
  await page.getByRole("link", { name: "Open in Logs" }).click();
  await page.waitForURL(/\/logs\?/);
  const lines = page.getByRole("grid", { name: "Log lines" });
  await lines.getByRole("row").first().waitFor();
  const body = typeof record.body === "string" ? record.body : JSON.stringify(record.body);
  const first = body.slice(0, 40).replace(/\s+/g, " ").trim();
  await lines.getByRole("row").filter({ hasText: first }).first().waitFor();

  await page.goBack();
  await page.waitForURL(new RegExp(`/trace/${record.traceId}`));
  await spans.getByRole("row").first().waitFor();
  await page.goBack();
  await page.waitForURL(/\/traces\?.*q=trace_id/);
  await link.waitFor();
  await page.goBack();
  await page.waitForFunction(() => !window.location.search.includes("q="));
  expect(await query.inputValue()).toBe("");
});

it("takes the address of the API's trace for that of the trace", async () => {
  const page = await open(at(`/traces/${record.traceId}`, { span: record.spanId }));
  await page.getByRole("treegrid", { name: "Spans of the trace" }).getByRole("row").first().waitFor();
  expect(new URL(page.url()).pathname).toBe(`/trace/${record.traceId}`);
  expect(new URL(page.url()).searchParams.get("span")).toBe(record.spanId);
});

it("says so when there is no such page", async () => {
  const page = await open("/logs/today");
  await page.getByText("There is no such page.").waitFor();
  expect(await page.title()).toContain("No such page");
});

it("lists traces in the order of the times that it shows", async () => {
  const page = await open(at("/traces"));
  const cells = page.getByRole("grid", { name: "Traces" }).getByRole("row").locator("[role=gridcell]:first-child");
  await cells.first().waitFor();
  const titles = await cells.evaluateAll((all) => all.map((cell) => cell.getAttribute("title") ?? ""));
  const shown = titles.map((title) => /^Latest span found: (.+)$/m.exec(title)?.[1] ?? "");
  expect(shown.length).toBeGreaterThan(5);
  expect(shown).toEqual(shown.toSorted().reverse());
});

it("jumps from a log line to its span", async () => {
  const page = await open(at("/logs", { q: `span_id:${record.spanId}` }));
  const line = page.getByRole("grid", { name: "Log lines" }).getByRole("row").first();
  await line.click();
  const panel = page.getByRole("complementary", { name: "Selected log record" });
  await panel.getByRole("link", { name: "Open trace" }).click();
  await page.waitForURL(new RegExp(`/trace/${record.traceId}.*span=${record.spanId}`));
  await page.locator("[role=treegrid] [role=row][aria-selected=true]").waitFor();
  expect(await page.getByRole("tab", { selected: true }).textContent()).toContain("Logs");
});

it("shows the same to everybody who opens a link", async () => {
  const path = at(`/trace/${record.traceId}`, { span: record.spanId });
  const states = [];
  for (let visitor = 0; visitor < 2; visitor += 1) {
    const page = await open(path);
    await page.getByRole("tab", { name: "Attributes" }).waitFor();
    await page.locator("#span-tab-panel dl").first().waitFor();
    // The number of log lines comes a little later.
    await page.getByRole("tab", { name: /^Logs\s*\d/ }).waitFor();
    states.push({
      span: await page.getByRole("complementary", { name: "Selected span" }).innerText(),
      rows: await page.getByRole("treegrid").innerText(),
      selected: await page.locator("[role=treegrid] [aria-selected=true]").getAttribute("id"),
    });
    await page.context().close();
  }
  expect(states[1]).toEqual(states[0]);
  expect(states[0]!.selected).toMatch(/^span-\d+$/);
});

it("narrows a search by a click on a value, as a query that can be read", async () => {
  const page = await open(at("/logs"));
  const facets = page.getByRole("complementary", { name: "Fields" });
  const value = facets
    .getByRole("button", { name: /^Only service|./ })
    .and(facets.locator("[title^='Only service ']"))
    .first();
  await value.click();
  await page.waitForURL(/q=service/);
  expect(await page.getByRole("combobox", { name: "Search logs" }).inputValue()).toMatch(/^service:/);
  await facets.locator("[title='Remove from the query']").first().click();
  await page.waitForFunction(() => !window.location.search.includes("q="));
});

it("underlines where a query is wrong, and says why", async () => {
  const page = await open(at("/logs", { q: 'timeout "never closed' }));
  await page.getByRole("alert").waitFor();
  expect(await page.getByRole("combobox").getAttribute("aria-invalid")).toBe("true");
});

it("offers fields and values while one types", async () => {
  const page = await open(at("/traces"));
  const query = page.getByRole("combobox", { name: "Search traces" });
  await query.pressSequentially("serv");
  await page.getByRole("option").first().waitFor();
  expect(await page.getByRole("option").first().textContent()).toContain("service");
  await query.press("Tab");
  await expect.poll(() => query.inputValue()).toBe("service:");
  await page.getByRole("option").first().waitFor();
  const value = await page.getByRole("option").first().locator("span").first().textContent();
  await query.press("ArrowDown");
  await query.press("Enter");
  await query.press("Enter");
  await page.waitForURL(/q=service/);
  expect(await query.inputValue()).toContain(value);
});

it("is driven by the keyboard alone", async () => {
  const page = await open(at("/services"));
  await page.getByRole("table").waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await page.waitForURL(/\/traces/);
  await page.getByRole("grid", { name: "Traces" }).getByRole("row").first().waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/trace\/[0-9a-f]{32}/);
  await page.getByRole("treegrid").getByRole("row").first().waitFor();
  await page.keyboard.press("j");
  await page.getByRole("complementary", { name: "Selected span" }).waitFor();
  await page.keyboard.press("2");
  await page.locator("#span-tab-events[aria-selected=true]").waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
});

const otlp = process.env["TRACEWELL_OTLP_URL"];

async function send(signal: "traces" | "logs", request: unknown): Promise<void> {
  const [body, headers] = [JSON.stringify(request), { "content-type": "application/json" }];
  const sent = await fetch(`${otlp}/v1/${signal}`, { method: "POST", headers, body });
  expect(sent.status).toBe(200);
}

it.runIf(otlp)("shows a new line while it follows live, as text, and counts it", async () => {
  const page = await open("/logs?start=now-5m&live=1&q=flying");
  await page.getByRole("button", { name: "Live" }).and(page.locator("[aria-pressed=true]")).waitFor();
  await page.getByText(/^0 lines up to \d\d:\d\d:\d\d$/).waitFor();
  const body = `<img src=x onerror="alert(1)"> flying line ${Date.now()}`;
  const log = { timeUnixNano: `${Date.now()}000000`, severityNumber: 17, body: { stringValue: body } };
  await send("logs", { resourceLogs: [{ resource: {}, scopeLogs: [{ logRecords: [log] }] }] });
  await page.getByText(body).first().waitFor();
  expect(await page.locator("[role=row] img").count()).toBe(0);
  await page.getByText(/^1 line up to \d\d:\d\d:\d\d$/).waitFor();
  await page.getByRole("figure", { name: /^Lines over time: 1 line,/ }).waitFor();
});

it.runIf(otlp)("opens a service without a name", async () => {
  const nano = `${Date.now() - 1_000}000000`;
  const span = { traceId: "ab".repeat(16), spanId: "cd".repeat(8), name: "nameless work", kind: 2 };
  const spans = [{ ...span, startTimeUnixNano: nano, endTimeUnixNano: nano }];
  await send("traces", { resourceSpans: [{ resource: {}, scopeSpans: [{ spans }] }] });
  const page = await open("/services?start=now-15m");
  await page.getByRole("button", { name: "Operations of (no name)" }).click();
  const panel = page.getByRole("complementary", { name: "Operations of (no name)" });
  await panel.getByRole("link", { name: "nameless work" }).waitFor();
  // The address says so: the same is there after loading it again.
  await page.reload();
  await panel.getByRole("link", { name: "nameless work" }).click();
  await page.waitForURL(/\/traces\?/);
  await page.getByRole("grid", { name: "Traces" }).getByRole("row").getByText("nameless work").waitFor();
});
