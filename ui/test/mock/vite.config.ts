import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { mockApi } from "./plugin";

// `npm run mock`: the UI on made-up data, without a server.
export default defineConfig({ root: fileURLToPath(new URL("../..", import.meta.url)), plugins: [mockApi()] });
