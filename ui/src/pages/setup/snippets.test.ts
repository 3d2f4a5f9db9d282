import { expect, it } from "vitest";
import { endpointsOf, snippets } from "./snippets";

it("the reader's own host stands for addresses that name none", () => {
  const own = endpointsOf({ otlpGrpc: "127.0.0.1:14317", otlpHttp: "0.0.0.0:4318" }, "traces.internal");
  expect(own).toEqual({ grpc: "http://traces.internal:14317", http: "http://traces.internal:4318" });
  expect(endpointsOf({ otlpGrpc: "10.1.2.3:4317", otlpHttp: "[::]:4318" }, "localhost")).toEqual({
    grpc: "http://10.1.2.3:4317",
    http: "http://localhost:4318",
  });
  expect(endpointsOf(undefined, "localhost").http).toBe("http://localhost:4318");
});

it("every snippet says where to send", () => {
  const all = snippets({ http: "http://h:1", grpc: "http://h:2" }, 1_700_000_000_000);
  for (const { id, text } of all) if (id !== "dotnet") expect(text).toMatch(/h:[12]/);
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
});

it("the requests by hand are JSON that a shell passes on unchanged", () => {
  const { text } = snippets({ http: "http://h:1", grpc: "http://h:2" }, 1_700_000_000_000).find(
    ({ id }) => id === "curl",
  )!;
  const bodies = [...text.matchAll(/-d '([^']*)'/g)].map(([, body]) => JSON.parse(body!) as Record<string, unknown>);
  expect(bodies.map((body) => Object.keys(body)[0])).toEqual(["resourceSpans", "resourceLogs"]);
});
