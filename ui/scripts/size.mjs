// Compares the size of the built files, as browsers receive them (brotli), with the budget. Usage: node scripts/size.mjs [DIST]
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const dist = process.argv[2] ?? "dist";
const KB = 1024;

/** Pages by the module that Vite's manifest names; `first` is what every page needs. */
const BUDGET_BYTES = {
  "first": 30 * KB,
  "css": 10 * KB,
  "src/pages/traces/Page.tsx": 5 * KB,
  "src/pages/trace/Page.tsx": 14 * KB,
  "src/pages/logs/Page.tsx": 5 * KB,
  "src/pages/services/Page.tsx": 5 * KB,
  "src/pages/setup/Page.tsx": 4 * KB,
  "src/pages/status/Page.tsx": 3 * KB,
  "everything": 72 * KB,
};

const manifest = JSON.parse(readFileSync(join(dist, ".vite/manifest.json"), "utf8"));
const sizeOf = (file) => statSync(join(dist, `${file}.br`)).size;

/** A chunk and what it imports at once, without what the first load has already. */
function closure(key, seen = new Set()) {
  if (seen.has(key)) return seen;
  seen.add(key);
  for (const imported of manifest[key].imports ?? []) closure(imported, seen);
  return seen;
}

const first = closure("index.html");
const sum = (keys) => [...keys].reduce((total, key) => total + sizeOf(manifest[key].file), 0);
const built = readdirSync(join(dist, "assets")).filter((name) => /\.(js|css)$/.test(name));

const found = {
  first: sum(first),
  css: built.filter((name) => name.endsWith(".css")).reduce((total, name) => total + sizeOf(`assets/${name}`), 0),
  everything: built.reduce((total, name) => total + sizeOf(`assets/${name}`), 0),
};
for (const page of Object.keys(BUDGET_BYTES).filter((key) => key in manifest)) {
  found[page] = sum([...closure(page)].filter((key) => !first.has(key)));
}

let isOver = false;
for (const [part, most] of Object.entries(BUDGET_BYTES)) {
  const bytes = found[part];
  const over = bytes === undefined || bytes > most;
  isOver ||= over;
  console.log(`${over ? "OVER " : "     "}${part.padEnd(30)} ${String(bytes).padStart(7)} of ${most} bytes`);
}
process.exit(isOver ? 1 : 0);
