/** The shapes of the API under the names that the UI uses; they come from the OpenAPI document (`npm run types`). */

import type * as generated from "./types.gen";

export type {
  ErrorBody,
  Facet,
  Field,
  FieldValues,
  LogHistogram,
  ServiceMap,
  ServiceMapEdge,
  ServiceMapNode,
  ServiceSeries,
  Statistics,
  Status,
  TableStatus,
  TracePage,
  TraceSummary,
} from "./types.gen";
export type {
  Facets as FacetList,
  Fields as FieldList,
  Operations as OperationList,
  Operation as OperationSummary,
} from "./types.gen";
export type { Services as ServiceList, Service as ServiceSummary, TraceHistogram as SpanHistogram } from "./types.gen";

export type Signal = "traces" | "logs";

/** An attribute as JSON: bytes are `{"bytes": "base64"}`. */
export type AttributeValue = string | number | boolean | null | AttributeValue[] | { [key: string]: AttributeValue };
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** The document says of attributes only that they are objects. */
type WithAttributes<T extends { attributes: unknown }> = Omit<T, "attributes"> & { attributes: Attributes };

/** Whether an answer is complete, and what it cost. */
export type Answer = Pick<generated.TracePage, "exactness" | "statistics">;

export type Scope = WithAttributes<generated.InstrumentationScope>;
export type SpanEvent = WithAttributes<generated.SpanEvent>;
export type SpanLink = WithAttributes<generated.SpanLink>;

export interface SpanDetail extends Omit<
  WithAttributes<generated.SpanDetail>,
  "resource" | "scope" | "events" | "links"
> {
  resource: Attributes;
  scope: Scope;
  events: SpanEvent[];
  links: SpanLink[];
}

export interface LogRecord extends Omit<WithAttributes<generated.LogRecord>, "body" | "resource" | "scope"> {
  body: AttributeValue;
  resource: Attributes;
  scope: Scope;
}

export type LogPage = Omit<generated.LogPage, "logs"> & { logs: LogRecord[] };

/** What the live tail sends at once. */
export type LogBatch = Omit<generated.TailBatch, "logs"> & { logs: LogRecord[] };
