import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// `npm run e2e`: the UI in a real browser, on the server that TRACEWELL_URL names, or else on the built UI and the mock.
export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  test: {
    include: ["*.test.ts"],
    globalSetup: ["./server.ts"],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
