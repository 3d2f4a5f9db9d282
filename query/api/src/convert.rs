//! The engine's answers in the shapes of the API.

use tracewell_query as engine;

use crate::shapes::*;

impl From<engine::Exactness> for Exactness {
    fn from(exactness: engine::Exactness) -> Exactness {
        match exactness {
            engine::Exactness::Exact => Exactness::Exact,
            engine::Exactness::Estimated { reason } => Exactness::Estimated { reason },
            engine::Exactness::Partial { reason } => Exactness::Partial { reason },
        }
    }
}

impl From<engine::Statistics> for Statistics {
    fn from(statistics: engine::Statistics) -> Statistics {
        Statistics {
            elapsed_ms: statistics.elapsed_ms,
            segments_total: statistics.segments_total,
            segments_read: statistics.segments_read,
            rows_scanned: statistics.rows_scanned,
        }
    }
}

impl From<engine::Answer<engine::TracePage>> for TracePage {
    fn from(answer: engine::Answer<engine::TracePage>) -> TracePage {
        TracePage {
            traces: answer.value.traces.into_iter().map(TraceSummary::from).collect(),
            next_cursor: answer.value.next_cursor,
            exactness: answer.exactness.into(),
            statistics: answer.statistics.into(),
        }
    }
}

impl From<engine::TraceSummary> for TraceSummary {
    fn from(trace: engine::TraceSummary) -> TraceSummary {
        TraceSummary {
            trace_id: trace.trace_id.to_string(),
            root_service_name: trace.root_service_name,
            root_span_name: trace.root_span_name,
            root_missing: trace.root_missing,
            first_service_name: trace.first_service_name,
            first_span_name: trace.first_span_name,
            start_time_unix_nano: trace.start.0.to_string(),
            duration_nano: trace.duration_nano,
            span_count: trace.span_count,
            error_count: trace.error_count,
            matched_span_count: trace.matched_span_count,
            latest_match_time_unix_nano: trace.latest_match.0.to_string(),
            services: trace.services.into_iter().map(TraceService::from).collect(),
        }
    }
}

impl From<engine::ServiceShare> for TraceService {
    fn from(share: engine::ServiceShare) -> TraceService {
        TraceService { name: share.name, span_count: share.span_count, error_count: share.error_count }
    }
}

impl From<engine::Answer<engine::SpanHistogram>> for TraceHistogram {
    fn from(answer: engine::Answer<engine::SpanHistogram>) -> TraceHistogram {
        let histogram = answer.value;
        let bucket = |bucket: engine::SpanBucket| DurationBucket {
            count: bucket.count,
            error_count: bucket.error_count,
            durations: bucket.durations,
        };
        TraceHistogram {
            start_time_unix_nano: histogram.start.0.to_string(),
            bucket_nano: histogram.bucket_nano,
            duration_bounds_nano: histogram.duration_bounds_nano,
            buckets: histogram.buckets.into_iter().map(bucket).collect(),
            count: histogram.count,
            error_count: histogram.error_count,
            p50_nano: histogram.p50_nano,
            p95_nano: histogram.p95_nano,
            exactness: answer.exactness.into(),
            statistics: answer.statistics.into(),
        }
    }
}

impl From<engine::Answer<engine::LogHistogram>> for LogHistogram {
    fn from(answer: engine::Answer<engine::LogHistogram>) -> LogHistogram {
        let histogram = answer.value;
        let bucket =
            |bucket: engine::LogBucket| SeverityBucket { count: bucket.count, severities: bucket.severities.to_vec() };
        LogHistogram {
            start_time_unix_nano: histogram.start.0.to_string(),
            bucket_nano: histogram.bucket_nano,
            severities: histogram.severities.map(str::to_owned).to_vec(),
            buckets: histogram.buckets.into_iter().map(bucket).collect(),
            count: histogram.count,
            exactness: answer.exactness.into(),
            statistics: answer.statistics.into(),
        }
    }
}

impl From<engine::Answer<engine::Facets>> for Facets {
    fn from(answer: engine::Answer<engine::Facets>) -> Facets {
        let value = |value: engine::FacetValue| ValueCount { value: value.value, count: value.count };
        let facet = |facet: engine::Facet| Facet {
            field: facet.field,
            values: facet.values.into_iter().map(value).collect(),
            other_count: facet.other_count,
            missing_count: facet.missing_count,
        };
        Facets {
            facets: answer.value.facets.into_iter().map(facet).collect(),
            exactness: answer.exactness.into(),
            statistics: answer.statistics.into(),
        }
    }
}

impl From<engine::Answer<engine::Services>> for Services {
    fn from(answer: engine::Answer<engine::Services>) -> Services {
        Services {
            services: answer.value.services.into_iter().map(Service::from).collect(),
            exactness: answer.exactness.into(),
            statistics: answer.statistics.into(),
        }
    }
}

impl From<engine::ServiceSummary> for Service {
    fn from(service: engine::ServiceSummary) -> Service {
        Service {
            name: service.name,
            is_other: service.is_other,
            span_count: service.span_count,
            error_count: service.error_count,
            rate_per_second: service.rate_per_second,
            p50_nano: service.p50_nano,
            p95_nano: service.p95_nano,
            p99_nano: service.p99_nano,
            log_count: service.log_count,
            series: ServiceSeries {
                start_time_unix_nano: service.series.start.0.to_string(),
                bucket_nano: service.series.bucket_nano,
                span_counts: service.series.span_counts,
                error_counts: service.series.error_counts,
                p95_nano: service.series.p95_nano,
            },
        }
    }
}

impl From<engine::Answer<engine::Operations>> for Operations {
    fn from(answer: engine::Answer<engine::Operations>) -> Operations {
        let operation = |operation: engine::Operation| Operation {
            name: operation.name,
            is_other: operation.is_other,
            kind: operation.kind,
            span_count: operation.span_count,
            error_count: operation.error_count,
            p50_nano: operation.p50_nano,
            p95_nano: operation.p95_nano,
            p99_nano: operation.p99_nano,
        };
        Operations {
            operations: answer.value.operations.into_iter().map(operation).collect(),
            exactness: answer.exactness.into(),
            statistics: answer.statistics.into(),
        }
    }
}

impl From<engine::Answer<engine::ServiceMap>> for ServiceMap {
    fn from(answer: engine::Answer<engine::ServiceMap>) -> ServiceMap {
        ServiceMap {
            start_time_unix_nano: answer.value.start.0.to_string(),
            end_time_unix_nano: answer.value.end.0.to_string(),
            nodes: answer.value.nodes.into_iter().map(ServiceMapNode::from).collect(),
            edges: answer.value.edges.into_iter().map(ServiceMapEdge::from).collect(),
            exactness: answer.exactness.into(),
            statistics: answer.statistics.into(),
        }
    }
}

impl From<engine::MapNode> for ServiceMapNode {
    fn from(node: engine::MapNode) -> ServiceMapNode {
        ServiceMapNode {
            id: node.id,
            kind: node.kind.to_owned(),
            name: node.name,
            system: node.system,
            is_other: node.is_other,
            span_count: node.span_count,
            error_count: node.error_count,
            rate_per_second: node.rate_per_second,
            p50_nano: node.p50_nano,
            p95_nano: node.p95_nano,
            p99_nano: node.p99_nano,
        }
    }
}

impl From<engine::MapEdge> for ServiceMapEdge {
    fn from(edge: engine::MapEdge) -> ServiceMapEdge {
        ServiceMapEdge {
            source: edge.source,
            target: edge.target,
            kind: edge.kind.to_owned(),
            count: edge.count,
            error_count: edge.error_count,
            rate_per_second: edge.rate_per_second,
            p50_nano: edge.p50_nano,
            p95_nano: edge.p95_nano,
            p99_nano: edge.p99_nano,
        }
    }
}

impl From<engine::Answer<engine::Fields>> for Fields {
    fn from(answer: engine::Answer<engine::Fields>) -> Fields {
        Fields {
            fields: answer.value.fields.into_iter().map(Field::from).collect(),
            exactness: answer.exactness.into(),
            statistics: answer.statistics.into(),
        }
    }
}

impl From<engine::FieldSummary> for Field {
    fn from(field: engine::FieldSummary) -> Field {
        Field {
            name: field.name,
            scope: field.scope.into(),
            key: field.key,
            types: field.types.into_iter().map(str::to_owned).collect(),
            count: field.count,
        }
    }
}

impl From<engine::FieldScope> for FieldScope {
    fn from(scope: engine::FieldScope) -> FieldScope {
        match scope {
            engine::FieldScope::Intrinsic => FieldScope::Intrinsic,
            engine::FieldScope::Span => FieldScope::Span,
            engine::FieldScope::Log => FieldScope::Log,
            engine::FieldScope::Resource => FieldScope::Resource,
            engine::FieldScope::Scope => FieldScope::Scope,
            engine::FieldScope::Event => FieldScope::Event,
            engine::FieldScope::Link => FieldScope::Link,
        }
    }
}

impl From<engine::Answer<engine::FieldValues>> for FieldValues {
    fn from(answer: engine::Answer<engine::FieldValues>) -> FieldValues {
        let value = |value: engine::FieldValue| ValueCount { value: value.value, count: value.count };
        FieldValues {
            values: answer.value.values.into_iter().map(value).collect(),
            exactness: answer.exactness.into(),
            statistics: answer.statistics.into(),
        }
    }
}
