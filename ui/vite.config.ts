import { defineConfig } from "vite";

// `npm run dev` shows the UI of the working tree on the data of a running server.
const server = process.env["TRACEWELL_URL"] ?? "http://127.0.0.1:4319";

const SHARED = /node_modules|\/src\/(?:kit|api|lib|query)\//;

export default defineConfig({
  server: { proxy: { "/api": server } },
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    // Everything is a file of its own: the content security policy allows no data URLs.
    assetsInlineLimit: 0,
    // One style sheet and one chunk of what pages share: a first load is five requests.
    cssCodeSplit: false,
    rollupOptions: { output: { manualChunks: (id: string) => (SHARED.test(id) ? "shared" : null) } },
    reportCompressedSize: false,
    manifest: process.env["TRACEWELL_UI_MANIFEST"] === "1",
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
} as Parameters<typeof defineConfig>[0]);
