/** Serves the mock of the API in Vite's development and preview servers. Never part of a build. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Plugin } from "vite";
import * as answers from "./answers";
import { compile, QueryError } from "./match";
import { logsIn } from "./store";

type Handler = (query: URLSearchParams, ...parts: string[]) => unknown;

const ROUTES: readonly (readonly [RegExp, Handler])[] = [
  [/^\/traces$/, answers.traces],
  [/^\/traces\/histogram$/, answers.spanHistogram],
  [/^\/(traces|logs)\/facets$/, (query, signal) => answers.facets(query, signal!)],
  [/^\/traces\/(\w+)\/frame$/, (_, id) => answers.frame(id!)],
  [/^\/traces\/(\w+)\/spans\/(\w+)$/, (_, id, span) => answers.spanDetail(id!, span!)],
  [/^\/traces\/(\w+)\/logs$/, (query, id) => answers.logsOfTrace(id!, query)],
  [/^\/logs$/, answers.logs],
  [/^\/logs\/histogram$/, answers.logHistogram],
  [/^\/services$/, answers.services],
  [/^\/services\/([^/]+)\/operations$/, (query, name) => answers.operations(decodeURIComponent(name!), query)],
  [/^\/service-map$/, answers.serviceMap],
  [/^\/fields$/, answers.fields],
  [/^\/fields\/values$/, answers.fieldValues],
  [/^\/status$/, answers.status],
];

function serve(request: IncomingMessage, response: ServerResponse, next: () => void): void {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://mock");
  if (!pathname.startsWith("/api/v1")) return next();
  const path = pathname.slice("/api/v1".length);
  try {
    if (path === "/logs/tail") return tail(searchParams, request, response);
    for (const [pattern, handler] of ROUTES) {
      const found = pattern.exec(path);
      if (found) return send(response, handler(searchParams, ...found.slice(1)));
    }
    send(response, undefined);
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    response.statusCode = 400;
    json(response, { error: { code: "invalid_query", message: error.message, position: error.position } });
  }
}

function send(response: ServerResponse, body: unknown): void {
  if (body instanceof ArrayBuffer) {
    response.setHeader("content-type", "application/vnd.tracewell.trace-frame");
    response.end(new Uint8Array(body));
  } else if (body === undefined) {
    response.statusCode = 404;
    json(response, { error: { code: "not_found", message: "No trace has this id. It may have expired." } });
  } else json(response, body);
}

function json(response: ServerResponse, body: unknown): void {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(body));
}

function tail(query: URLSearchParams, request: IncomingMessage, response: ServerResponse): void {
  const test = compile(query.get("q") ?? "");
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  response.write(": keep-alive\n\n");
  let from = Date.now();
  const timer = setInterval(() => {
    const to = Date.now();
    const logs = logsIn(from, to).filter(test).reverse();
    from = to;
    if (logs.length > 0) response.write(`event: logs\ndata: ${JSON.stringify({ logs, droppedCount: 0 })}\n\n`);
  }, 400);
  request.on("close", () => clearInterval(timer));
}

/** As the server sends it, so that tests on the mock meet it too. */
const POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

function protect(_: IncomingMessage, response: ServerResponse, next: () => void): void {
  response.setHeader("content-security-policy", POLICY);
  next();
}

export function mockApi(): Plugin {
  return {
    name: "tracewell-mock",
    configureServer: ({ middlewares }) => void middlewares.use(serve),
    configurePreviewServer: ({ middlewares }) => void middlewares.use(protect).use(serve),
  };
}
