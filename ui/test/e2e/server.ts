/** Says where the UI is: at TRACEWELL_URL, or on the mock, which it then starts. */

import { fileURLToPath } from "node:url";
import { build, preview } from "vite";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    url: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env["TRACEWELL_URL"];
  if (given) {
    project.provide("url", given.replace(/\/$/, ""));
    return async () => {};
  }
  const configFile = fileURLToPath(new URL("../mock/vite.config.ts", import.meta.url));
  await build({ configFile, logLevel: "warn" });
  const server = await preview({ configFile, preview: { port: 0 } });
  project.provide("url", server.resolvedUrls!.local[0]!.replace(/\/$/, ""));
  return async () => void server.httpServer.close();
}
