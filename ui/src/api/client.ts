/** Requests to the native API (docs/api.md). */

import { type ResolvedRange, msToNano } from "../lib/time";
import type { ErrorBody } from "./types";

const BASE = "/api/v1";

type Parameters = Readonly<Record<string, string | number | undefined>>;

/** An answer that is an error: what happened, and where in the query. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly position: number | undefined,
  ) {
    super(message);
  }
}

/** The address of a request; it also serves as the key of its answer. */
export function url(path: string, parameters: Parameters = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  const text = query.toString();
  return `${BASE}${path}${text ? `?${text}` : ""}`;
}

/** A range as parameters. */
export function during({ startMs, endMs }: ResolvedRange): { start: string; end: string } {
  return { start: msToNano(startMs), end: msToNano(endMs) };
}

/** The JSON answer to a GET. */
export async function getJson<T>(address: string, signal: AbortSignal): Promise<T> {
  return (await get(address, "application/json", signal)).json() as Promise<T>;
}

/** The bytes of an answer. */
export async function getBytes(address: string, accept: string, signal: AbortSignal): Promise<ArrayBuffer> {
  return (await get(address, accept, signal)).arrayBuffer();
}

async function get(address: string, accept: string, signal: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, { headers: { accept }, signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ApiError(0, "unreachable", "The server does not answer. Is it running?", undefined);
  }
  if (response.ok) return response;
  throw await errorOf(response);
}

async function errorOf(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => undefined)) as ErrorBody | undefined;
  const { code, message, position } = body?.error ?? {
    code: "http",
    message: `The server answered ${response.status}.`,
  };
  return new ApiError(response.status, code, message, position);
}
