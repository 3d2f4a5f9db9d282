/** Takes screenshots of pages: `npm run shots -- URL PATH...`, light and dark, wide and narrow. They go to `test/shots/`. */

import { mkdirSync } from "node:fs";
import { launch } from "./browser.mjs";

const [base = "http://127.0.0.1:5173", ...paths] = process.argv.slice(2);
const themes = (process.env["THEMES"] ?? "light,dark").split(",");
const widths = (process.env["WIDTHS"] ?? "1440,390").split(",").map(Number);
const folder = new URL("./shots/", import.meta.url).pathname;

mkdirSync(folder, { recursive: true });
const browser = await launch();
for (const width of widths) {
  for (const colorScheme of themes) {
    const context = await browser.newContext({ viewport: { width, height: width < 760 ? 844 : 900 }, colorScheme });
    const page = await context.newPage();
    page.on("console", (message) => message.type() === "error" && console.log(message.text()));
    page.on("pageerror", (error) => console.log(String(error)));
    for (const path of paths.length > 0 ? paths : ["/services", "/traces", "/logs", "/setup", "/status"]) {
      await page.goto(base + path, { waitUntil: "load" });
      await page.waitForLoadState("networkidle");
      await page.waitForTimeout(300);
      const name = path.replace(/[^a-z0-9]+/gi, "-").replace(/^-|-$/g, "") || "start";
      await page.screenshot({ path: `${folder}${name}-${width}-${colorScheme}.png` });
    }
    await context.close();
  }
}
await browser.close();
