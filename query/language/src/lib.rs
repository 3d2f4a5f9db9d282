//! The search language of `docs/search.md`: text to syntax tree, without I/O.
//!
//! [`parse`] turns what a person typed into a [`Query`] or a [`ParseError`] that says where it went wrong and what was
//! expected; it never panics and its work is bounded by [`QUERY_BYTES_MAX`], [`DEPTH_MAX`] and [`TERMS_MAX`].
//! Printing a [`Query`] gives its canonical text, which parses to the same tree. What fields mean is for the reader
//! of the tree: the language knows no signal.

mod duration;
mod error;
mod lexer;
mod parser;
mod print;
mod syntax;
mod time;
mod tokens;

pub use duration::{InvalidDuration, looks_like_duration, parse_duration};
pub use error::ParseError;
pub use parser::{parse, parse_field};
pub use syntax::{Field, Node, NodeKind, Operator, Pattern, Place, Query, Span, Test, Text, Value};
pub use time::{InvalidTime, parse_time};
pub use tokens::{Token, TokenKind, tokens};

/// The longest query, in bytes.
pub const QUERY_BYTES_MAX: usize = 64 << 10;
/// How deep groups and negations may be nested.
pub const DEPTH_MAX: usize = 64;
/// The most terms (words, phrases and field tests) of a query.
pub const TERMS_MAX: usize = 1_000;
