//! Why a text is no query.

use crate::Span;

/// Why a text is no query, for a person who is typing it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    /// What was expected and what was found, in one sentence.
    pub message: String,
    /// The part of the text that is wrong; empty at a place where something is missing.
    pub span: Span,
}

impl ParseError {
    pub(crate) fn new(span: Span, message: impl Into<String>) -> ParseError {
        ParseError { message: message.into(), span }
    }

    /// The byte at which the wrong part begins.
    pub fn position(&self) -> usize {
        self.span.start
    }
}
