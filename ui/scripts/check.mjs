// Checks the rules of the front end that no other tool knows: length of files, direction of imports, tokens in style sheets.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const LINES_MAX = 250;

/** A folder may import from its own and from those further down. */
const LAYERS = [["main.tsx"], ["shell"], ["pages"], ["kit"], ["api"], ["lib"], ["query", "trace"], ["styles"]];
const root = resolve("src");
const problems = [];

function* files(folder) {
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* files(path);
    else yield path;
  }
}

const layerOf = (path) => LAYERS.findIndex((names) => names.includes(relative(root, path).split("/")[0]));

function checkImports(path, text) {
  if (path.endsWith(".test.ts")) return;
  for (const [, target] of text.matchAll(/(?:from|import\() ?"(\.[^"]+)"/g)) {
    const imported = resolve(dirname(path), target);
    if (imported.startsWith(root) && layerOf(imported) < layerOf(path)) {
      problems.push(`${relative(root, path)} imports ${relative(root, imported)}, which is above it`);
    }
  }
}

function checkStyle(path, text) {
  if (path.endsWith("tokens.css")) return;
  for (const [found] of text.matchAll(/#[0-9a-f]{3,8}\b|\b(?:rgb|hsl|oklch)a?\(/gi)) {
    problems.push(`${relative(root, path)} has the colour ${found}; colours are tokens of styles/tokens.css`);
  }
}

for (const path of files(root)) {
  const text = readFileSync(path, "utf8");
  const lines = text.split("\n").length - 1;
  const isTest = path.endsWith(".test.ts");
  if (lines > LINES_MAX && !isTest && !path.endsWith(".gen.ts"))
    problems.push(`${relative(root, path)} has ${lines} lines, more than ${LINES_MAX}`);
  if (/\.tsx?$/.test(path)) checkImports(path, text);
  if (/\.tsx?$/.test(path) && !isTest && !/^\/\*\*|^import/.test(text))
    problems.push(`${relative(root, path)} does not say its job in the first line`);
  if (path.endsWith(".css")) checkStyle(path, text);
  if (/\b(?:innerHTML|dangerouslySetInnerHTML|insertAdjacentHTML)\b/.test(text))
    problems.push(`${relative(root, path)} writes HTML; telemetry is text`);
}

for (const problem of problems) console.error(problem);
process.exit(problems.length > 0 ? 1 : 0);
