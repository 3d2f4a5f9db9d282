/** A browser, and a record of everything that no page may do. */

import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { inject } from "vitest";
import type { LogPage, LogRecord } from "../../src/api/types";
import { launch } from "../browser.mjs";

/** Where the UI is. */
export const base = inject("url");

/** The range in which the server has data. */
export const range = { start: process.env["TRACEWELL_START"] ?? "now-1h", end: process.env["TRACEWELL_END"] ?? "now" };

let browser: Browser | undefined;

/** Errors of pages, violations of the content security policy, requests to elsewhere. */
export const offences: string[] = [];

/** A page of a fresh context. */
export async function open(path: string, options: BrowserContextOptions = {}): Promise<Page> {
  browser ??= await launch();
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("pageerror", (error) => offences.push(String(error)));
  page.on("console", (message) => {
    // An answer of 4xx is the browser's note on a question that the page expects to fail.
    const isExpected = /Failed to load resource.* status of 4\d\d/.test(message.text());
    if (message.type() === "error" && !isExpected) offences.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(base)) offences.push(`a request to ${request.url()}`);
  });
  await page.goto(base + path);
  return page;
}

export async function close(): Promise<void> {
  await browser?.close();
  browser = undefined;
}

/** A path with the range. */
export function at(path: string, parameters: Record<string, string> = {}): string {
  return `${path}?${new URLSearchParams({ ...range, ...parameters })}`;
}

/** A log record that names a trace which the server has. */
export async function recordWithTrace(): Promise<LogRecord> {
  const answer = await fetch(`${base}/api/v1${at("/logs", { limit: "500" })}`);
  const { logs } = (await answer.json()) as LogPage;
  for (const record of logs.filter(({ traceId, spanId }) => traceId && spanId).slice(0, 20)) {
    const span = await fetch(`${base}/api/v1/traces/${record.traceId}/spans/${record.spanId}`);
    if (span.ok) return record;
  }
  throw new Error(`no log record in ${JSON.stringify(range)} names a span that is stored; send data first`);
}
