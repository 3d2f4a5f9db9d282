//! Lexemes to syntax tree, by recursive descent of bounded depth.

use crate::error::ParseError;
use crate::lexer::{Lexeme, LexemeKind, lex};
use crate::syntax::{Field, Node, NodeKind, Operator, Pattern, Query, Span, Test, Text, Value};
use crate::{DEPTH_MAX, QUERY_BYTES_MAX, TERMS_MAX};

/// The query that `text` states; empty text is met by every record.
pub fn parse(text: &str) -> Result<Query, ParseError> {
    if text.len() > QUERY_BYTES_MAX {
        let message = format!("the query is {} bytes long: at most {QUERY_BYTES_MAX} are allowed", text.len());
        return Err(ParseError::new(Span::new(0, 0), message));
    }
    if let Some(span) = selector(text) {
        let message = "this looks like TraceQL or LogQL, which are not supported yet: \
                       expected words and field:value, with text that begins with { in quotes";
        return Err(ParseError::new(span, message));
    }
    let (lexemes, error) = lex(text);
    let mut parser = Parser { lexemes: &lexemes, at: 0, end: text.len(), depth: 0, terms: 0 };
    // The parser sees less far than the lexer: what it finds wrong stands before the lexer's error.
    let parsed = parser.query();
    match (parsed, error) {
        (Err(first), Some(_)) if first.span.start < parser.last_end() => Err(first),
        (_, Some(error)) => Err(error),
        (parsed, None) => parsed,
    }
}

/// The selector in braces that TraceQL and LogQL begin with, `{ status = error }` or `{}`: as words it would find
/// something else than what was meant. JSON and placeholders such as `{id}` are words.
fn selector(text: &str) -> Option<Span> {
    let start = text.len() - text.trim_start().len();
    let inside = text[start..].strip_prefix('{')?;
    let (inside, _) = inside.split_once('}')?;
    let is_json = inside.trim_start().starts_with('"');
    let compares = inside.trim().is_empty() || inside.contains(['=', '<', '>', '!', '~']);
    (compares && !is_json).then(|| Span::new(start, start + inside.len() + 2))
}

/// The field that `text` names, as it would stand before an operator: `service`, `span.http.route`, `"odd name"`.
pub fn parse_field(text: &str) -> Result<Field, ParseError> {
    let expected = |message| ParseError::new(Span::new(0, text.len()), message);
    if text.len() > QUERY_BYTES_MAX {
        return Err(expected("expected a field name, found a text that is too long"));
    }
    // The lexer knows a name by the operator behind it.
    let (lexemes, _) = lex(&format!("{text}:*"));
    match lexemes.as_slice() {
        [
            Lexeme { kind: LexemeKind::Name { place, name, quoted }, span },
            Lexeme { kind: LexemeKind::Operator(_), .. },
            _,
        ] if *span == Span::new(0, text.len()) => {
            Ok(Field { place: *place, name: name.clone(), quoted: *quoted, span: *span })
        }
        _ => Err(expected("expected a field name, in quotes when it has spaces or signs")),
    }
}

/// What words in a group are: conditions of their own, or values of a field.
#[derive(Clone, Copy)]
enum Context<'a> {
    Conditions,
    Values(&'a Field),
}

struct Parser<'a> {
    lexemes: &'a [Lexeme],
    at: usize,
    end: usize,
    depth: usize,
    terms: usize,
}

impl<'a> Parser<'a> {
    fn query(&mut self) -> Result<Query, ParseError> {
        if self.lexemes.is_empty() {
            return Ok(Query { root: None });
        }
        let root = self.any_of(Context::Conditions)?;
        match self.peek() {
            None => Ok(Query { root: Some(root) }),
            Some(_) => Err(self.expected("an opening parenthesis before it")),
        }
    }

    fn any_of(&mut self, context: Context<'_>) -> Result<Node, ParseError> {
        let mut parts = vec![self.all_of(context)?];
        while self.take(&LexemeKind::Or) {
            parts.push(self.all_of(context)?);
        }
        Ok(join(parts, NodeKind::Or, |kind| match kind {
            NodeKind::Or(parts) => Ok(parts),
            other => Err(other),
        }))
    }

    fn all_of(&mut self, context: Context<'_>) -> Result<Node, ParseError> {
        let mut parts = vec![self.one(context)?];
        loop {
            let explicit = self.take(&LexemeKind::And);
            let ended = matches!(self.peek().map(|next| &next.kind), None | Some(LexemeKind::Or | LexemeKind::Close));
            if ended && !explicit {
                break;
            }
            parts.push(self.one(context)?);
        }
        Ok(join(parts, NodeKind::And, |kind| match kind {
            NodeKind::And(parts) => Ok(parts),
            other => Err(other),
        }))
    }

    fn one(&mut self, context: Context<'_>) -> Result<Node, ParseError> {
        let Some(next) = self.next() else {
            self.at += 1;
            return Err(self.expected_condition(context));
        };
        match &next.kind {
            LexemeKind::Minus | LexemeKind::Not => {
                let inner = self.nested(next.span, |parser| parser.one(context))?;
                let span = next.span.to(inner.span);
                Ok(Node { kind: NodeKind::Not(Box::new(inner)), span })
            }
            LexemeKind::Open => self.group(next.span, context),
            LexemeKind::Text(pattern) => self.text(pattern, next.span),
            LexemeKind::Regex(content) => self.term(NodeKind::Text(Text::Regex(content.clone())), next.span),
            LexemeKind::Name { place, name, quoted } => {
                let field = Field { place: *place, name: name.clone(), quoted: *quoted, span: next.span };
                self.field(field)
            }
            LexemeKind::Value(pattern) => match context {
                Context::Values(field) => self.is(field.clone(), pattern, next.span),
                Context::Conditions => Err(self.expected_condition(context)),
            },
            _ => Err(self.expected_condition(context)),
        }
    }

    fn group(&mut self, opening: Span, context: Context<'_>) -> Result<Node, ParseError> {
        let inner = self.nested(opening, |parser| parser.any_of(context))?;
        match self.next() {
            Some(close) if close.kind == LexemeKind::Close => Ok(Node { span: opening.to(close.span), ..inner }),
            // A group ends before anything else only where the query does.
            _ => {
                let message = format!("expected ) for the ( at byte {}, found the end of the query", opening.start);
                Err(ParseError::new(Span::new(self.end, self.end), message))
            }
        }
    }

    fn text(&mut self, pattern: &Pattern, span: Span) -> Result<Node, ParseError> {
        if pattern.as_literal() == Some("") {
            return Err(ParseError::new(span, "expected text between the quotes, found nothing"));
        }
        self.term(NodeKind::Text(Text::Pattern(pattern.clone())), span)
    }

    fn field(&mut self, field: Field) -> Result<Node, ParseError> {
        let Some(Lexeme { kind: LexemeKind::Operator(operator), .. }) = self.next() else {
            return Err(self.expected("an operator"));
        };
        let Some(value) = self.next() else {
            self.at += 1;
            return Err(self.expected("a value"));
        };
        let condition = match (&value.kind, operator) {
            (LexemeKind::Open, _) => self.group(value.span, Context::Values(&field))?,
            (LexemeKind::Value(pattern), Operator::Equal | Operator::NotEqual) => {
                self.is(field.clone(), pattern, value.span)?
            }
            (LexemeKind::Value(pattern), _) => {
                let Some(literal) = pattern.as_literal() else {
                    let message = format!("expected a number or a text after {}, found a wildcard", operator.as_str());
                    return Err(ParseError::new(value.span, message));
                };
                let literal = Value { content: literal.to_owned(), span: value.span };
                let span = field.span.to(value.span);
                self.term(NodeKind::Field(field.clone(), Test::Compare(*operator, literal)), span)?
            }
            _ => return Err(self.expected("a value")),
        };
        let span = field.span.to(condition.span);
        let condition = Node { span, ..condition };
        Ok(match operator {
            Operator::NotEqual => Node { kind: NodeKind::Not(Box::new(condition)), span },
            _ => condition,
        })
    }

    fn is(&mut self, field: Field, pattern: &Pattern, span: Span) -> Result<Node, ParseError> {
        let whole = field.span.to(span);
        let exists = pattern.pieces().len() > 1 && pattern.pieces().iter().all(String::is_empty);
        let test = match exists {
            true => Test::Exists,
            false => Test::Is(Value { content: pattern.clone(), span }),
        };
        self.term(NodeKind::Field(field, test), whole)
    }

    fn term(&mut self, kind: NodeKind, span: Span) -> Result<Node, ParseError> {
        self.terms += 1;
        if self.terms > TERMS_MAX {
            return Err(ParseError::new(span, format!("the query has more than {TERMS_MAX} terms")));
        }
        Ok(Node { kind, span })
    }

    fn nested<T>(
        &mut self,
        span: Span,
        parse: impl FnOnce(&mut Self) -> Result<T, ParseError>,
    ) -> Result<T, ParseError> {
        if self.depth == DEPTH_MAX {
            let message = format!("groups and negations are nested more than {DEPTH_MAX} deep");
            return Err(ParseError::new(span, message));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn peek(&self) -> Option<&Lexeme> {
        self.lexemes.get(self.at)
    }

    fn next(&mut self) -> Option<&'a Lexeme> {
        let next = self.lexemes.get(self.at)?;
        self.at += 1;
        Some(next)
    }

    fn take(&mut self, kind: &LexemeKind) -> bool {
        let found = self.peek().is_some_and(|next| next.kind == *kind);
        self.at += usize::from(found);
        found
    }

    /// Where the last lexeme ends.
    fn last_end(&self) -> usize {
        self.lexemes.last().map_or(0, |last| last.span.end)
    }

    fn span(&self, at: usize) -> Span {
        self.lexemes.get(at).map_or(Span::new(self.end, self.end), |lexeme| lexeme.span)
    }

    fn found(&self, at: usize) -> &'static str {
        match self.lexemes.get(at).map(|lexeme| &lexeme.kind) {
            None => "the end of the query",
            Some(LexemeKind::Open) => "(",
            Some(LexemeKind::Close) => ")",
            Some(LexemeKind::And) => "AND",
            Some(LexemeKind::Or) => "OR",
            Some(LexemeKind::Not) => "NOT",
            Some(LexemeKind::Minus) => "-",
            Some(LexemeKind::Name { .. }) => "a field name",
            Some(LexemeKind::Operator(operator)) => operator.as_str(),
            Some(LexemeKind::Value(_)) => "a value",
            Some(LexemeKind::Text(_)) => "a word",
            Some(LexemeKind::Regex(_)) => "a regular expression",
        }
    }

    /// The error about the lexeme that was taken last.
    fn expected_condition(&self, context: Context<'_>) -> ParseError {
        let at = self.at.saturating_sub(1);
        let what = match context {
            Context::Conditions => "a word, a field or a group",
            Context::Values(_) => "a value",
        };
        let before = match at.checked_sub(1).and_then(|before| self.lexemes.get(before)).map(|lexeme| &lexeme.kind) {
            Some(LexemeKind::And) => " after AND",
            Some(LexemeKind::Or) => " after OR",
            Some(LexemeKind::Not) => " after NOT",
            Some(LexemeKind::Open) => " after (",
            _ => "",
        };
        let found = self.found(at);
        let hint = match self.lexemes.get(at).map(|lexeme| &lexeme.kind) {
            Some(LexemeKind::And | LexemeKind::Or | LexemeKind::Not) => {
                format!(": to search for the word, put it in quotes, as in \"{found}\"")
            }
            _ => String::new(),
        };
        ParseError::new(self.span(at), format!("expected {what}{before}, found {found}{hint}"))
    }

    /// The error about the lexeme that comes next.
    fn expected(&self, what: &str) -> ParseError {
        ParseError::new(self.span(self.at), format!("expected {what}, found {}", self.found(self.at)))
    }
}

/// Joins conditions; those that are joined in the same way themselves become parts of the whole.
fn join(
    mut parts: Vec<Node>,
    joined: fn(Vec<Node>) -> NodeKind,
    split: fn(NodeKind) -> Result<Vec<Node>, NodeKind>,
) -> Node {
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let span = parts.iter().fold(parts[0].span, |span, part| span.to(part.span));
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match split(part.kind) {
            Ok(inner) => flat.extend(inner),
            Err(kind) => flat.push(Node { kind, span: part.span }),
        }
    }
    Node { kind: joined(flat), span }
}
