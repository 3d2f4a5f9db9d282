//! The form in which requests are compared: what OTLP holds to be the same is made equal, what the decoder is to leave
//! out is left out. Written for prost's structures, knowing nothing of the decoder.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Status};
use prost::Message;

fn is_id(id: &[u8], bytes: usize) -> bool {
    id.len() == bytes && id.iter().any(|&byte| byte != 0)
}

fn clear_unless_id(id: &mut Vec<u8>, bytes: usize) {
    if !is_id(id, bytes) {
        id.clear();
    }
}

fn value(value: &mut AnyValue) {
    match &mut value.value {
        Some(Value::StringValueStrindex(_)) => value.value = None,
        Some(Value::ArrayValue(array)) => array.values.iter_mut().for_each(self::value),
        Some(Value::KvlistValue(list)) => attributes(&mut list.values),
        _ => {}
    }
}

fn attributes(attributes: &mut [KeyValue]) {
    for attribute in attributes {
        attribute.key_strindex = 0;
        attribute.value.iter_mut().for_each(value);
    }
}

/// Appends `item` to the group of `groups` that is of the same `key`, or to a new one.
fn regroup<K: PartialEq, T>(groups: &mut Vec<(K, Vec<T>)>, key: K, item: T) {
    match groups.iter_mut().find(|(known, _)| *known == key) {
        Some((_, items)) => items.push(item),
        None => groups.push((key, vec![item])),
    }
}

/// Bytes, in which not-a-number equals itself.
pub fn traces(mut request: ExportTraceServiceRequest) -> Vec<u8> {
    let mut groups = Vec::new();
    for mut group in request.resource_spans.drain(..) {
        let mut resource = group.resource.take().unwrap_or_default();
        attributes(&mut resource.attributes);
        for mut scope_group in group.scope_spans {
            let mut scope = scope_group.scope.take().unwrap_or_default();
            attributes(&mut scope.attributes);
            scope_group.spans.retain(|span| is_id(&span.trace_id, 16) && is_id(&span.span_id, 8));
            for mut span in scope_group.spans {
                clear_unless_id(&mut span.parent_span_id, 8);
                attributes(&mut span.attributes);
                span.events.iter_mut().for_each(|event| attributes(&mut event.attributes));
                for link in &mut span.links {
                    clear_unless_id(&mut link.trace_id, 16);
                    clear_unless_id(&mut link.span_id, 8);
                    attributes(&mut link.attributes);
                }
                span.status.take_if(|status| *status == Status::default());
                let resource_key = (resource.encode_to_vec(), group.schema_url.clone());
                let scope_key = (scope.encode_to_vec(), scope_group.schema_url.clone());
                regroup(&mut groups, resource_key, ((resource.clone(), scope.clone()), scope_key, span));
            }
        }
    }
    for ((_, schema_url), items) in groups {
        let resource = items[0].0.0.clone();
        let mut scope_groups = Vec::new();
        for ((_, scope), key, span) in items {
            regroup(&mut scope_groups, key, (scope, span));
        }
        let scope_spans = scope_groups.into_iter().map(|((_, schema_url), items)| ScopeSpans {
            scope: Some(items[0].0.clone()),
            schema_url,
            spans: items.into_iter().map(|(_, span)| span).collect(),
        });
        let scope_spans = scope_spans.collect();
        request.resource_spans.push(ResourceSpans { resource: Some(resource), scope_spans, schema_url });
    }
    request.encode_to_vec()
}

/// As [`traces`].
pub fn logs(mut request: ExportLogsServiceRequest) -> Vec<u8> {
    let mut groups = Vec::new();
    for mut group in request.resource_logs.drain(..) {
        let mut resource = group.resource.take().unwrap_or_default();
        attributes(&mut resource.attributes);
        for mut scope_group in group.scope_logs {
            let mut scope = scope_group.scope.take().unwrap_or_default();
            attributes(&mut scope.attributes);
            for mut record in scope_group.log_records {
                if !matches!(record.trace_id.len(), 0 | 16) {
                    record.span_id.clear();
                }
                clear_unless_id(&mut record.trace_id, 16);
                clear_unless_id(&mut record.span_id, 8);
                attributes(&mut record.attributes);
                record.body.iter_mut().for_each(value);
                let resource_key = (resource.encode_to_vec(), group.schema_url.clone());
                let scope_key = (scope.encode_to_vec(), scope_group.schema_url.clone());
                regroup(&mut groups, resource_key, ((resource.clone(), scope.clone()), scope_key, record));
            }
        }
    }
    for ((_, schema_url), items) in groups {
        let resource = items[0].0.0.clone();
        let mut scope_groups = Vec::new();
        for ((_, scope), key, record) in items {
            regroup(&mut scope_groups, key, (scope, record));
        }
        let scope_logs = scope_groups.into_iter().map(|((_, schema_url), items)| ScopeLogs {
            scope: Some(items[0].0.clone()),
            schema_url,
            log_records: items.into_iter().map(|(_, record)| record).collect(),
        });
        let scope_logs = scope_logs.collect();
        request.resource_logs.push(ResourceLogs { resource: Some(resource), scope_logs, schema_url });
    }
    request.encode_to_vec()
}
