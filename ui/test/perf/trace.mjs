/** Measures a trace of 100,000 spans in the built UI on the mock: `npm run build && npm run perf`. */

import { launch } from "../browser.mjs";
import { preview } from "vite";

const SPANS = Number(process.argv[2] ?? 100_000);
const GOALS = { openMs: 1_000, scriptP95Ms: 8, expandMs: 50 };

const server = await preview({ configFile: "test/mock/vite.config.ts", preview: { port: 0 } });
const base = server.resolvedUrls.local[0];
const browser = await launch();
const page = await browser.newPage({ viewport: { width: 1400, height: 800 } });
page.on("pageerror", (error) => console.error(String(error)));

await page.goto(`${base}setup`);
const traceId = `b16${String(SPANS).padStart(29, "0")}`;
// Once to warm the mock, which takes long to make the frame.
await page.request.get(`${base}api/v1/traces/${traceId}/frame`);

const openMs = await page.evaluate(async (path) => {
  const from = performance.now();
  history.pushState(null, "", path);
  dispatchEvent(new PopStateEvent("popstate"));
  while (!document.querySelector("[role=treegrid] [role=row]")) await new Promise(requestAnimationFrame);
  return performance.now() - from;
}, `/trace/${traceId}`);

const scroll = await page.evaluate(async () => {
  const list = document.querySelector("[role=treegrid]");
  const frames = [];
  const scripts = [];
  let last = performance.now();
  for (let frame = 0; frame < 240; frame += 1) {
    const from = performance.now();
    list.scrollTop += 140;
    list.dispatchEvent(new Event("scroll"));
    // Preact renders in a microtask.
    for (let turn = 0; turn < 4; turn += 1) await Promise.resolve();
    void list.firstElementChild.lastElementChild.getBoundingClientRect();
    scripts.push(performance.now() - from);
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    frames.push(now - last);
    last = now;
  }
  const at = (values, share) => values.toSorted((a, b) => a - b)[Math.floor(values.length * share)];
  return {
    scriptMedianMs: at(scripts, 0.5),
    scriptP95Ms: at(scripts, 0.95),
    frameMedianMs: at(frames, 0.5),
    frameP95Ms: at(frames, 0.95),
  };
});

const toggle = async (name) =>
  page.evaluate(async (label) => {
    const button = [...document.querySelectorAll("button")].find(({ textContent }) => textContent === label);
    const from = performance.now();
    button.click();
    await new Promise((resolve) => setTimeout(resolve));
    void document.querySelector("[role=treegrid]").getBoundingClientRect();
    return performance.now() - from;
  }, name);
const [collapseMs, expandMs] = [await toggle("Collapse"), await toggle("Expand")];
const critical = await toggle("Critical path");
const heapMb = await page.evaluate(() => performance.memory.usedJSHeapSize / 1e6);

const found = { openMs, ...scroll, collapseMs, expandMs, criticalMs: critical, heapMb };
for (const [name, value] of Object.entries(found))
  console.log(name.padEnd(16), value.toFixed(1), name in GOALS ? `(goal ${GOALS[name]})` : "");
await browser.close();
await new Promise((resolve) => server.httpServer.close(resolve));
process.exit(Object.entries(GOALS).some(([name, goal]) => found[name] > goal * 1.5) ? 1 : 0);
