//! The parameters that exist, each described once.

use super::{BUCKETS_MAX, CURSOR_BYTES_MAX, FIELDS_MAX, LIMIT_MAX, NAME_BYTES_MAX, Param, ParamKind, SEARCH_BYTES_MAX};

/// The search.
pub static Q: Param = Param::optional(
    "q",
    ParamKind::Text { bytes_max: SEARCH_BYTES_MAX },
    "service:checkout status:error",
    "What to find, in the search language; everything when empty.",
);

/// Where the time range begins.
pub static START: Param = Param::optional(
    "start",
    ParamKind::Time,
    "now-1h",
    "The first moment of the time range: RFC 3339, Unix seconds, milliseconds, microseconds or \
                  nanoseconds, `now` or `now-1h` (units s m h d w). By default an hour before `end`.",
);

/// Where the time range ends.
pub static END: Param = Param::optional(
    "end",
    ParamKind::Time,
    "now",
    "The first moment after the time range, written as `start` is. By default now.",
);

/// The size of a page.
pub static LIMIT: Param = Param::optional(
    "limit",
    ParamKind::Count { default: 100, max: LIMIT_MAX },
    "100",
    "The most records of this page.",
);

/// Where the page begins.
pub static CURSOR: Param = Param::optional(
    "cursor",
    ParamKind::Text { bytes_max: CURSOR_BYTES_MAX },
    "",
    "The `nextCursor` of the page before, with all other parameters unchanged.",
);

/// How finely time is divided.
pub static BUCKETS: Param = Param::optional(
    "buckets",
    ParamKind::Count { default: 60, max: BUCKETS_MAX },
    "60",
    "The most buckets that the time range is divided into.",
);

/// Which facets.
pub static FIELDS: Param = Param::optional(
    "fields",
    ParamKind::Names { count_max: FIELDS_MAX },
    "service,kind",
    "Field names as in the search language, with commas between them; a name with a comma in it in \
                  quotes. By default the fields that most searches are narrowed by.",
);

/// How many values a facet or a field has.
pub static VALUES_LIMIT: Param =
    Param::optional("limit", ParamKind::Count { default: 10, max: LIMIT_MAX }, "10", "The most values of each field.");

/// Which span's logs.
pub static SPAN_ID: Param =
    Param::optional("spanId", ParamKind::SpanId, "00f067aa0ba902b7", "Only the log records of this span.");

/// Fields of what.
pub static SIGNAL: Param =
    Param::required("signal", ParamKind::Signal, "traces", "Whether the fields are those of spans or of log records.");

/// Which field.
pub static FIELD: Param = Param::required(
    "field",
    ParamKind::Text { bytes_max: NAME_BYTES_MAX },
    "service",
    "A field name as in the search language.",
);

/// How values begin.
pub static PREFIX: Param = Param::optional(
    "prefix",
    ParamKind::Text { bytes_max: NAME_BYTES_MAX },
    "",
    "Only values that begin so, case as written.",
);

/// Which trace.
pub static TRACE_ID: Param = Param::required(
    "traceId",
    ParamKind::Text { bytes_max: 32 },
    "4bf92f3577b34da6a3ce929d0e0e4736",
    "The id of the trace: 32 hexadecimal digits.",
);

/// What to delete.
pub static DELETE_Q: Param = Param::required(
    "q",
    ParamKind::Text { bytes_max: SEARCH_BYTES_MAX },
    "user.id:4711",
    "Which records to delete, in the search language; not empty.",
);

/// Since when to delete.
pub static DELETE_START: Param = Param::required(
    "start",
    ParamKind::Time,
    "now-30d",
    "The first moment of the time range, written as for searches.",
);

/// Until when to delete.
pub static DELETE_END: Param =
    Param::required("end", ParamKind::Time, "now", "The first moment after the time range, written as for searches.");

/// That it is meant.
pub static CONFIRM: Param =
    Param::required("confirm", ParamKind::Text { bytes_max: 150 }, "default", "The name of the tenant again.");

/// Since when to export.
pub static EXPORT_START: Param = Param::optional(
    "start",
    ParamKind::Time,
    "now-1d",
    "The first moment of the time range, written as for searches. By default the beginning of time.",
);

/// Until when to export.
pub static EXPORT_END: Param = Param::optional(
    "end",
    ParamKind::Time,
    "now",
    "The first moment after the time range, written as for searches. By default the end of time.",
);

/// Whether damaged records may be missing.
pub static PARTIAL: Param = Param::optional(
    "partial",
    ParamKind::Flag,
    "false",
    "Whether damaged records are left out; otherwise they make the export fail.",
);
