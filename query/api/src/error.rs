//! Every way in which a request can fail, and the one table that binds each to a status and a code.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tracewell_model::{SpanId, TraceId};
use tracewell_query::{QueryError, QueryErrorKind};
use tracewell_storage::StorageError;
use utoipa::ToSchema;

/// Why a request is not answered. The message is for people, [`ApiError::code`] for programs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// A parameter's value cannot be used.
    #[error("parameter {name}: {value:?} is wrong: expected {expected}")]
    InvalidParameter {
        /// The parameter.
        name: &'static str,
        /// What was given, cut to a readable length.
        value: String,
        /// What would have been right.
        expected: String,
    },
    /// A cursor that no page of this list ended with.
    #[error("{0}")]
    InvalidCursor(String),
    /// A parameter that has to be given is missing.
    #[error("parameter {name} is missing: expected {expected}")]
    MissingParameter {
        /// The parameter.
        name: &'static str,
        /// What would have been right.
        expected: String,
    },
    /// A parameter that does not exist here.
    #[error("unknown parameter {name:?}{}", unknown_hint(nearest, allowed))]
    UnknownParameter {
        /// What was given, cut to a readable length.
        name: String,
        /// The known one that looks most like it.
        nearest: Option<&'static str>,
        /// All that exist here.
        allowed: Vec<&'static str>,
    },
    /// A parameter was given more than once.
    #[error("parameter {0} is given more than once: give it once")]
    RepeatedParameter(&'static str),
    /// The header that names the tenant cannot be used.
    #[error("header X-Scope-OrgID: {0}")]
    InvalidTenant(String),
    /// The search does not parse, or compares what cannot be compared.
    #[error("{message}")]
    InvalidQuery {
        /// What is wrong and what to do.
        message: String,
        /// The byte in `q` where it is wrong.
        position: Option<usize>,
    },
    /// A page of another site wants to change something.
    #[error("a page of another site must not do this: call it from the server's own pages or outside a browser")]
    CrossSite,
    /// No span of the trace is stored.
    #[error("trace {0} is unknown to this tenant: it was never received here, has not arrived yet, or has expired")]
    UnknownTrace(TraceId),
    /// The trace has no such span.
    #[error("trace {trace} has no span {span}: it was never received here, has not arrived yet, or has expired")]
    UnknownSpan {
        /// The trace.
        trace: TraceId,
        /// The span that it has not.
        span: SpanId,
    },
    /// Something else that was asked for by name is not there.
    #[error("{0}")]
    NotFound(String),
    /// No such path.
    #[error("there is nothing at {0:?}: see /api/v1/openapi.json for what there is")]
    UnknownPath(String),
    /// The path exists, but only for other methods.
    #[error("method {0} is not allowed here: see /api/v1/openapi.json for the one that is")]
    MethodNotAllowed(String),
    /// None of the media types that the client accepts can be given.
    #[error("cannot answer with {accepted:?}: available are {available}")]
    NotAcceptable {
        /// The `Accept` header.
        accepted: String,
        /// What there is.
        available: &'static str,
    },
    /// Answering takes more memory than a query may use.
    #[error("{0}")]
    OutOfMemory(String),
    /// The server cannot take this up at the moment.
    #[error("{0}")]
    Unavailable(String),
    /// The server has not finished starting.
    #[error("not ready: {0}")]
    NotReady(String),
    /// The query did not finish in time.
    #[error("{0}")]
    DeadlineExceeded(String),
    /// A defect or a damaged disk. The cause is in the server's log.
    #[error("{0}")]
    Internal(String),
}

fn unknown_hint(nearest: &Option<&'static str>, allowed: &[&'static str]) -> String {
    match (nearest, allowed) {
        (Some(nearest), _) => format!(": did you mean {nearest:?}?"),
        (None, []) => ": there are none here".to_owned(),
        (None, allowed) => format!(": there are {}", allowed.join(", ")),
    }
}

/// How long a client should wait before it tries again, in seconds.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

impl ApiError {
    /// The table: the status and the code of every error.
    fn kind(&self) -> (StatusCode, &'static str) {
        match self {
            ApiError::InvalidParameter { .. } => (StatusCode::BAD_REQUEST, "invalid_parameter"),
            ApiError::InvalidCursor(_) => (StatusCode::BAD_REQUEST, "invalid_parameter"),
            ApiError::MissingParameter { .. } => (StatusCode::BAD_REQUEST, "missing_parameter"),
            ApiError::UnknownParameter { .. } => (StatusCode::BAD_REQUEST, "unknown_parameter"),
            ApiError::RepeatedParameter(_) => (StatusCode::BAD_REQUEST, "repeated_parameter"),
            ApiError::InvalidTenant(_) => (StatusCode::BAD_REQUEST, "invalid_tenant"),
            ApiError::InvalidQuery { .. } => (StatusCode::BAD_REQUEST, "invalid_query"),
            ApiError::CrossSite => (StatusCode::FORBIDDEN, "cross_site"),
            ApiError::UnknownTrace(_) => (StatusCode::NOT_FOUND, "unknown_trace"),
            ApiError::UnknownSpan { .. } => (StatusCode::NOT_FOUND, "unknown_span"),
            ApiError::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
            ApiError::UnknownPath(_) => (StatusCode::NOT_FOUND, "unknown_path"),
            ApiError::MethodNotAllowed(_) => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            ApiError::NotAcceptable { .. } => (StatusCode::NOT_ACCEPTABLE, "not_acceptable"),
            ApiError::OutOfMemory(_) => (StatusCode::UNPROCESSABLE_ENTITY, "out_of_memory"),
            ApiError::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            ApiError::NotReady(_) => (StatusCode::SERVICE_UNAVAILABLE, "not_ready"),
            ApiError::DeadlineExceeded(_) => (StatusCode::GATEWAY_TIMEOUT, "deadline_exceeded"),
            ApiError::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.kind().0
    }

    /// The word that programs tell errors apart by.
    pub fn code(&self) -> &'static str {
        self.kind().1
    }

    fn position(&self) -> Option<usize> {
        match self {
            ApiError::InvalidQuery { position, .. } => *position,
            _ => None,
        }
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> ApiError {
        QueryError::from(error).into()
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> ApiError {
        let message = error.to_string();
        match error.kind() {
            QueryErrorKind::Invalid => ApiError::InvalidQuery { message, position: error.position() },
            QueryErrorKind::InvalidCursor => ApiError::InvalidCursor(message),
            QueryErrorKind::NotFound => ApiError::NotFound(message),
            QueryErrorKind::Deadline => ApiError::DeadlineExceeded(message),
            QueryErrorKind::Memory => ApiError::OutOfMemory(message),
            QueryErrorKind::Unavailable => ApiError::Unavailable(message),
            QueryErrorKind::Damaged | QueryErrorKind::Internal => ApiError::Internal(message),
        }
    }
}

/// The answer to a request that failed.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({"error": {"code": "invalid_query", "message": "expected a value", "position": 8}}))]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ErrorDetail {
    /// For programs.
    pub code: &'static str,
    /// For people.
    pub message: String,
    /// The byte in `q` at which it is wrong, where that applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub position: Option<usize>,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(error = %self, "request failed");
        }
        let error = ErrorDetail { code: self.code(), message: self.to_string(), position: self.position() };
        let mut response = (status, Json(ErrorBody { error })).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        response
    }
}

/// `text`, cut so that an error message stays readable whatever was sent.
pub(crate) fn excerpt(text: &str) -> String {
    const CHARACTERS_MAX: usize = 100;
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
