//! The parts of a text by kind, for highlighting: defined for every text, also one that is no query.

use serde::Serialize;

use crate::lexer::{LexemeKind, lex};
use crate::{QUERY_BYTES_MAX, Span};

/// What a part of the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenKind {
    /// `AND`, `OR`, `NOT`, or the `-` before a condition.
    Keyword,
    /// A parenthesis.
    Paren,
    /// The name of a field, with its place.
    Field,
    /// Between a field and its value.
    Operator,
    /// The value of a field.
    Value,
    /// A word, phrase or pattern that stands by itself.
    Text,
    /// A regular expression.
    Regex,
    /// The rest of a text that cannot be read further.
    Invalid,
}

/// A part of the text. What lies between parts is space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it stands.
    pub span: Span,
}

/// The parts of `text`, in order.
pub fn tokens(text: &str) -> Vec<Token> {
    if text.len() > QUERY_BYTES_MAX {
        return vec![Token { kind: TokenKind::Invalid, span: Span::new(0, text.len()) }];
    }
    let (lexemes, error) = lex(text);
    let mut tokens: Vec<Token> =
        lexemes.iter().map(|lexeme| Token { kind: kind(&lexeme.kind), span: lexeme.span }).collect();
    if error.is_some() {
        let read = tokens.last().map_or(0, |last| last.span.end);
        let start = text.len() - text[read..].trim_start().len();
        if start < text.len() {
            tokens.push(Token { kind: TokenKind::Invalid, span: Span::new(start, text.len()) });
        }
    }
    tokens
}

fn kind(kind: &LexemeKind) -> TokenKind {
    match kind {
        LexemeKind::Open | LexemeKind::Close => TokenKind::Paren,
        LexemeKind::And | LexemeKind::Or | LexemeKind::Not | LexemeKind::Minus => TokenKind::Keyword,
        LexemeKind::Name { .. } => TokenKind::Field,
        LexemeKind::Operator(_) => TokenKind::Operator,
        LexemeKind::Value(_) => TokenKind::Value,
        LexemeKind::Text(_) => TokenKind::Text,
        LexemeKind::Regex(_) => TokenKind::Regex,
    }
}
