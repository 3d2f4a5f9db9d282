//! The messages of answers: OTLP export responses and `google.rpc.Status`, in protobuf and in JSON.
//!
//! Sources: opentelemetry-proto `docs/specification.md` (OTLP/HTTP response), `google/rpc/status.proto`,
//! `google/rpc/error_details.proto`, and the JSON mapping of protobuf.

use prost::Message;
use serde_json::json;
use tracewell_model::Signal;

use crate::refusal::Refusal;
use crate::rpc_status::{RETRY_INFO_TYPE, RpcDetail, RpcStatus, retry_info};

/// What became of an accepted request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Records that are durable now.
    pub records: u64,
    /// Records that were refused for ever, while the others were accepted.
    pub rejected: u64,
    /// Why records were rejected, or a warning when none was. Empty: nothing to say.
    pub message: String,
    /// Whether the same request had been accepted before, and was not stored again.
    pub duplicate: bool,
}

#[derive(Clone, PartialEq, Message)]
struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

#[derive(Clone, PartialEq, Message)]
struct BadRequest {
    #[prost(message, repeated, tag = "1")]
    field_violations: Vec<FieldViolation>,
}

#[derive(Clone, PartialEq, Message)]
struct FieldViolation {
    #[prost(string, tag = "1")]
    field: String,
    #[prost(string, tag = "2")]
    description: String,
}

const BAD_REQUEST: &str = "type.googleapis.com/google.rpc.BadRequest";

impl Accepted {
    /// Whether the answer has a `partial_success`: only when there is something to say.
    fn is_partial(&self) -> bool {
        self.rejected > 0 || !self.message.is_empty()
    }

    /// The `Export…ServiceResponse` in protobuf: no bytes at all when everything was accepted.
    pub fn to_protobuf(&self) -> Vec<u8> {
        let partial_success = self.is_partial().then(|| PartialSuccess {
            rejected: i64::try_from(self.rejected).unwrap_or(i64::MAX),
            error_message: self.message.clone(),
        });
        ExportResponse { partial_success }.encode_to_vec()
    }

    /// The `Export…ServiceResponse` in JSON: `{}` when everything was accepted.
    pub fn to_json(&self, signal: Signal) -> String {
        if !self.is_partial() {
            return "{}".to_owned();
        }
        let field = match signal {
            Signal::Traces => "rejectedSpans",
            Signal::Logs => "rejectedLogRecords",
        };
        let mut partial = serde_json::Map::new();
        if self.rejected > 0 {
            // 64-bit integers are strings in the JSON mapping of protobuf.
            partial.insert(field.to_owned(), self.rejected.to_string().into());
        }
        partial.insert("errorMessage".to_owned(), self.message.clone().into());
        json!({ "partialSuccess": partial }).to_string()
    }
}

impl Refusal {
    /// The `google.rpc.Status` in protobuf, with `BadRequest` and `RetryInfo` where they apply.
    pub fn to_protobuf(&self) -> Vec<u8> {
        let (code, _, hint) = self.kind.answer();
        let mut details = Vec::new();
        if let Some(delay) = hint {
            details.push(RpcDetail::retry_after(delay));
        }
        if let Some(field) = self.violated_field() {
            let violation = FieldViolation { field: field.to_owned(), description: self.message.clone() };
            let value = BadRequest { field_violations: vec![violation] }.encode_to_vec();
            details.push(RpcDetail { type_url: BAD_REQUEST.to_owned(), value });
        }
        RpcStatus { code: code as i32, message: self.message.clone(), details }.encode_to_vec()
    }

    /// The `google.rpc.Status` in JSON.
    pub fn to_json(&self) -> String {
        let (code, _, hint) = self.kind.answer();
        let mut details = Vec::new();
        if let Some(delay) = hint {
            details.push(json!({ "@type": RETRY_INFO_TYPE, "retryDelay": format!("{}s", delay.as_secs_f64()) }));
        }
        if let Some(field) = self.violated_field() {
            let violation = json!({ "field": field, "description": self.message });
            details.push(json!({ "@type": BAD_REQUEST, "fieldViolations": [violation] }));
        }
        let mut status = json!({ "code": code as i32, "message": self.message });
        if !details.is_empty() {
            status["details"] = details.into();
        }
        status.to_string()
    }

    /// The encoded `google.rpc.RetryInfo`, if the request may be sent again.
    pub fn retry_info(&self) -> Option<Vec<u8>> {
        self.kind.answer().2.map(retry_info)
    }

    /// What a `BadRequest` detail names: every request that can not be decoded has one.
    fn violated_field(&self) -> Option<&str> {
        let malformed = self.kind.answer().0 == crate::refusal::GrpcCode::InvalidArgument;
        malformed.then(|| self.field.as_deref().unwrap_or("body"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::RefusalKind;

    #[test]
    fn full_success_says_nothing() {
        let accepted = Accepted { records: 7, ..Accepted::default() };
        assert!(accepted.to_protobuf().is_empty());
        assert_eq!(accepted.to_json(Signal::Traces), "{}");
    }

    #[test]
    fn rejected_counts_are_strings_in_json() {
        let accepted = Accepted { records: 1, rejected: 2, message: "why".into(), duplicate: false };
        assert_eq!(
            accepted.to_json(Signal::Logs),
            r#"{"partialSuccess":{"errorMessage":"why","rejectedLogRecords":"2"}}"#
        );
    }

    #[test]
    fn a_warning_has_no_rejected_count() {
        let accepted = Accepted { message: "odd".into(), ..Accepted::default() };
        assert_eq!(accepted.to_json(Signal::Traces), r#"{"partialSuccess":{"errorMessage":"odd"}}"#);
        let response = ExportResponse::decode(accepted.to_protobuf().as_slice()).expect("a response");
        assert_eq!(response.partial_success.expect("partial success").rejected, 0);
    }

    #[test]
    fn status_says_what_to_do() {
        let busy = Refusal::new(RefusalKind::Overloaded, "busy");
        let status = RpcStatus::decode(busy.to_protobuf().as_slice()).expect("a status");
        assert_eq!((status.code, status.message.as_str()), (14, "busy"));
        assert_eq!(status.details.len(), 1);
        assert_eq!(status.retry_delay(), Some(std::time::Duration::from_secs(1)));
        assert!(busy.to_json().contains(r#""retryDelay":"1s""#));

        let bad = Refusal::malformed("no hex").field("traceId");
        let status = RpcStatus::decode(bad.to_protobuf().as_slice()).expect("a status");
        assert_eq!(status.details[0].type_url, BAD_REQUEST);
        assert!(bad.to_json().contains(r#""field":"traceId""#));
        assert!(bad.retry_info().is_none());
    }
}
