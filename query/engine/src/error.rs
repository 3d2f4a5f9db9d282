//! What can go wrong with a question, by what the asker should do about it.

use datafusion::error::DataFusionError;
use tracewell_storage::{StorageError, StorageErrorKind};

/// What the asker should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryErrorKind {
    /// Ask differently: the message says what is wrong, [`QueryError::position`] where.
    Invalid,
    /// Ask with the cursor of the page before, or from the first page on.
    InvalidCursor,
    /// What was asked for by name is not there.
    NotFound,
    /// Ask for less or allow more time: the deadline passed.
    Deadline,
    /// Ask for less: the answer needs more memory than is allowed.
    Memory,
    /// Try again in a moment.
    Unavailable,
    /// Something stored is damaged that the answer needs.
    Damaged,
    /// A fault of the server: look at its log.
    Internal,
}

/// An error of the query engine: a kind for programs, a message for people.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    kind: QueryErrorKind,
    message: String,
    position: Option<usize>,
}

impl QueryError {
    /// An error of this kind.
    pub fn new(kind: QueryErrorKind, message: impl Into<String>) -> QueryError {
        QueryError { kind, message: message.into(), position: None }
    }

    /// A part of the question that cannot be answered.
    pub fn invalid(message: impl Into<String>) -> QueryError {
        QueryError::new(QueryErrorKind::Invalid, message)
    }

    /// A part of the query text, at this byte of it, that cannot be answered.
    pub fn invalid_at(position: usize, message: impl Into<String>) -> QueryError {
        QueryError { position: Some(position), ..QueryError::invalid(message) }
    }

    pub(crate) fn internal(message: impl Into<String>) -> QueryError {
        QueryError::new(QueryErrorKind::Internal, message)
    }

    /// What the asker should do.
    pub fn kind(&self) -> QueryErrorKind {
        self.kind
    }

    /// The byte of the query text where what is wrong begins.
    pub fn position(&self) -> Option<usize> {
        self.position
    }
}

impl From<tracewell_language::ParseError> for QueryError {
    fn from(error: tracewell_language::ParseError) -> Self {
        QueryError::invalid_at(error.position(), error.message)
    }
}

impl From<StorageError> for QueryError {
    fn from(error: StorageError) -> Self {
        let kind = match error.kind() {
            StorageErrorKind::Unavailable => QueryErrorKind::Unavailable,
            StorageErrorKind::Invalid => QueryErrorKind::Invalid,
            StorageErrorKind::Corrupt => QueryErrorKind::Damaged,
            StorageErrorKind::Internal => QueryErrorKind::Internal,
        };
        QueryError::new(kind, error.to_string())
    }
}

impl From<DataFusionError> for QueryError {
    fn from(error: DataFusionError) -> Self {
        let root = error.find_root();
        if let DataFusionError::External(inner) = root {
            if let Some(error) = inner.downcast_ref::<StorageError>() {
                return error.clone().into();
            }
            if let Some(error) = inner.downcast_ref::<QueryError>() {
                return error.clone();
            }
        }
        match root {
            DataFusionError::ResourcesExhausted(_) => QueryError::new(
                QueryErrorKind::Memory,
                "the query needs more memory than is allowed: narrow the time range or the query, or ask for fewer groups",
            ),
            other => QueryError::internal(format!("the query failed: {other}")),
        }
    }
}

impl From<arrow::error::ArrowError> for QueryError {
    fn from(error: arrow::error::ArrowError) -> Self {
        QueryError::internal(format!("the query failed: {error}"))
    }
}
