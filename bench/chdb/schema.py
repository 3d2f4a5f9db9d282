"""The tables that the OpenTelemetry Collector's ClickHouse exporter makes: same columns, codecs, indexes and order."""

MAP = "Map(LowCardinality(String), String)"


def _bloom(columns):
    """Skipping indexes on the keys and the values of maps."""
    return ", ".join(
        f"INDEX idx_{column}_{part} map{part}({column}) TYPE bloom_filter(0.01) GRANULARITY 1"
        for column in columns
        for part in ("Keys", "Values")
    )


# Written in this order by `tracewell-bench rows`.
TRACE_COLUMNS = f"""
    Timestamp DateTime64(9) CODEC(Delta, ZSTD(1)),
    TraceId String CODEC(ZSTD(1)),
    SpanId String CODEC(ZSTD(1)),
    ParentSpanId String CODEC(ZSTD(1)),
    TraceState String CODEC(ZSTD(1)),
    SpanName LowCardinality(String) CODEC(ZSTD(1)),
    SpanKind LowCardinality(String) CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    ResourceAttributes {MAP} CODEC(ZSTD(1)),
    ScopeName String CODEC(ZSTD(1)),
    ScopeVersion String CODEC(ZSTD(1)),
    SpanAttributes {MAP} CODEC(ZSTD(1)),
    Duration UInt64 CODEC(ZSTD(1)),
    StatusCode LowCardinality(String) CODEC(ZSTD(1)),
    StatusMessage String CODEC(ZSTD(1)),
    Events Nested (Timestamp DateTime64(9), Name LowCardinality(String), Attributes {MAP}) CODEC(ZSTD(1)),
    Links Nested (TraceId String, SpanId String, TraceState String, Attributes {MAP}) CODEC(ZSTD(1))
"""

LOG_COLUMNS = f"""
    Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    TraceId String CODEC(ZSTD(1)),
    SpanId String CODEC(ZSTD(1)),
    TraceFlags UInt8,
    SeverityText LowCardinality(String) CODEC(ZSTD(1)),
    SeverityNumber UInt8,
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    Body String CODEC(ZSTD(1)),
    ResourceSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ResourceAttributes {MAP} CODEC(ZSTD(1)),
    ScopeSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ScopeName String CODEC(ZSTD(1)),
    ScopeVersion LowCardinality(String) CODEC(ZSTD(1)),
    ScopeAttributes {MAP} CODEC(ZSTD(1)),
    LogAttributes {MAP} CODEC(ZSTD(1)),
    EventName String CODEC(ZSTD(1))
"""

TABLES = [
    f"""CREATE TABLE otel_traces ({TRACE_COLUMNS},
        INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
        {_bloom(["ResourceAttributes", "SpanAttributes"])},
        INDEX idx_duration Duration TYPE minmax GRANULARITY 1
    ) ENGINE = MergeTree PARTITION BY toDate(Timestamp)
    ORDER BY (ServiceName, SpanName, toDateTime(Timestamp))
    SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1""",
    """CREATE TABLE otel_traces_trace_id_ts (
        TraceId String CODEC(ZSTD(1)),
        Start DateTime CODEC(Delta, ZSTD(1)),
        End DateTime CODEC(Delta, ZSTD(1)),
        INDEX idx_trace_id TraceId TYPE bloom_filter(0.01) GRANULARITY 1
    ) ENGINE = MergeTree PARTITION BY toDate(Start) ORDER BY (TraceId, Start) SETTINGS index_granularity = 8192""",
    """CREATE MATERIALIZED VIEW otel_traces_trace_id_ts_mv TO otel_traces_trace_id_ts AS
        SELECT TraceId, min(Timestamp) AS Start, max(Timestamp) AS End
        FROM otel_traces WHERE TraceId != '' GROUP BY TraceId""",
    f"""CREATE TABLE otel_logs ({LOG_COLUMNS},
        TimestampTime DateTime DEFAULT toDateTime(Timestamp),
        INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
        {_bloom(["ResourceAttributes", "ScopeAttributes", "LogAttributes"])},
        INDEX idx_body Body TYPE tokenbf_v1(32768, 3, 0) GRANULARITY 8
    ) ENGINE = MergeTree PARTITION BY toDate(TimestampTime)
    PRIMARY KEY (ServiceName, TimestampTime) ORDER BY (ServiceName, TimestampTime, Timestamp)
    SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1""",
]


def names(columns):
    """The names of the columns, those of nested ones with their parts, as they stand in the rows."""
    nested = {"Events": ["Timestamp", "Name", "Attributes"], "Links": ["TraceId", "SpanId", "TraceState", "Attributes"]}
    for line in columns.strip().splitlines():
        name = line.split()[0]
        yield from ([f"{name}.{part}" for part in nested[name]] if name in nested else [name])


def row_structure(columns):
    """The types of the columns in the rows, without codecs."""
    types = {"Events": ["DateTime64(9)", "String", MAP], "Links": ["String", "String", "String", MAP]}
    for line in columns.strip().splitlines():
        name = line.split()[0]
        if name in types:
            parts = list(names(line))
            yield from (f"`{part}` Array({kind})" for part, kind in zip(parts, types[name], strict=True))
        else:
            kind = line.split(" CODEC")[0].strip().rstrip(",").split(" ", 1)[1]
            yield f"`{name}` {kind}"
