//! Text to lexemes: the one place that knows where a word, a field name or a value ends.

use crate::error::ParseError;
use crate::syntax::{Operator, Pattern, Place, Span};

/// A piece of the text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lexeme {
    pub kind: LexemeKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum LexemeKind {
    /// `(`
    Open,
    /// `)`
    Close,
    And,
    Or,
    Not,
    /// `-` right before a condition.
    Minus,
    /// The name of a field; an operator follows.
    Name {
        place: Option<Place>,
        name: String,
        quoted: bool,
    },
    Operator(Operator),
    /// What follows an operator, or stands in a group that does.
    Value(Pattern),
    /// A word, phrase or pattern that stands by itself.
    Text(Pattern),
    /// `/.../`
    Regex(String),
}

/// The lexemes of `text`, and the error that ended them, if one did.
pub(crate) fn lex(text: &str) -> (Vec<Lexeme>, Option<ParseError>) {
    let mut lexer = Lexer { text, at: 0, groups: Vec::new(), regex_ends: true, out: Vec::new() };
    let error = lexer.run().err();
    (lexer.out, error)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// For every open group, whether it is a group of values (`field:(a OR b)`).
    groups: Vec<bool>,
    /// Whether a slash that ends a regular expression may still follow. Spares a search from every slash on.
    regex_ends: bool,
    out: Vec<Lexeme>,
}

impl<'a> Lexer<'a> {
    fn run(&mut self) -> Result<(), ParseError> {
        loop {
            self.skip_space();
            let Some(next) = self.peek() else { return Ok(()) };
            let in_values = self.groups.last().copied().unwrap_or(false);
            match next {
                '(' => self.open(in_values),
                ')' => {
                    self.groups.pop();
                    self.single(LexemeKind::Close);
                }
                '-' if self.is_negation() => self.single(LexemeKind::Minus),
                _ if self.keyword() => {}
                _ if in_values => self.pattern(LexemeKind::Value)?,
                '/' if self.regex_ends && self.regex() => {}
                _ => self.term()?,
            }
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn push(&mut self, start: usize, kind: LexemeKind) {
        self.out.push(Lexeme { kind, span: Span::new(start, self.at) });
    }

    fn single(&mut self, kind: LexemeKind) {
        let start = self.at;
        self.at += 1;
        self.push(start, kind);
    }

    fn open(&mut self, in_values: bool) {
        self.groups.push(in_values);
        self.single(LexemeKind::Open);
    }

    /// Whether the `-` here stands right before a condition.
    fn is_negation(&self) -> bool {
        let after = self.rest()[1..].chars().next();
        after.is_some_and(|c| c.is_alphanumeric() || "_@$\"(*/-".contains(c))
    }

    /// Takes `AND`, `OR` or `NOT`, if one stands here by itself.
    fn keyword(&mut self) -> bool {
        let end = self.rest().find(|c: char| !c.is_ascii_uppercase()).unwrap_or(self.rest().len());
        let (word, after) = self.rest().split_at(end);
        let kind = match word {
            "AND" => LexemeKind::And,
            "OR" => LexemeKind::Or,
            "NOT" => LexemeKind::Not,
            _ => return false,
        };
        if !after.chars().next().is_none_or(|c| c.is_whitespace() || "()\"".contains(c)) {
            return false;
        }
        let start = self.at;
        self.at += end;
        self.push(start, kind);
        true
    }

    /// Takes a regular expression, if one stands here: from slash to a slash that ends the word.
    fn regex(&mut self) -> bool {
        let mut content = String::new();
        let mut chars = self.rest().char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some((_, '/')) => content.push('/'),
                    Some((_, escaped)) => content.extend(['\\', escaped]),
                    None => break,
                },
                '/' if chars.peek().is_none_or(|&(_, c)| c.is_whitespace() || c == ')') => {
                    if content.is_empty() {
                        return false;
                    }
                    let start = self.at;
                    self.at += at + 1;
                    self.push(start, LexemeKind::Regex(content));
                    return true;
                }
                _ => content.push(c),
            }
        }
        self.regex_ends = false;
        false
    }

    /// Takes a field test, or a word, phrase or pattern.
    fn term(&mut self) -> Result<(), ParseError> {
        let start = self.at;
        let Some((name, after_name)) = self.name()? else { return self.pattern(LexemeKind::Text) };
        let Some((operator, operator_start, after_operator)) = self.operator(after_name) else {
            return self.pattern(LexemeKind::Text);
        };
        self.at = after_name;
        self.push(start, name);
        self.at = after_operator;
        self.push(operator_start, LexemeKind::Operator(operator));
        self.value(start, operator)
    }

    /// A field name that may stand here, and where it ends.
    fn name(&self) -> Result<Option<(LexemeKind, usize)>, ParseError> {
        let bare_len = self.rest().find(|c: char| !is_name_char(c)).unwrap_or(self.rest().len());
        let (bare, after) = self.rest().split_at(bare_len);
        let place = |word: &str| Place::ALL.into_iter().find(|place| place.as_str() == word);
        if after.starts_with('"') {
            let place = bare.strip_suffix('.').and_then(place);
            if !bare.is_empty() && place.is_none() {
                return Ok(None);
            }
            let (name, end) = quoted(self.text, self.at + bare_len)?;
            return Ok((!name.is_empty()).then_some((LexemeKind::Name { place, name, quoted: true }, end)));
        }
        if !bare.starts_with(|c: char| c.is_alphabetic() || "_@$".contains(c)) {
            return Ok(None);
        }
        let parts = bare.split_once('.').filter(|(_, rest)| !rest.is_empty());
        let (place, name) = match parts.and_then(|(word, rest)| Some((place(word)?, rest))) {
            Some((place, name)) => (Some(place), name),
            None => (None, bare),
        };
        let name = LexemeKind::Name { place, name: name.to_owned(), quoted: false };
        Ok(Some((name, self.at + bare_len)))
    }

    /// The operator that follows a name that ends at `at`: with its start and its end. Comparisons may be set off
    /// by spaces, the colon may not.
    fn operator(&self, at: usize) -> Option<(Operator, usize, usize)> {
        const OPERATORS: [(&str, Operator); 12] = [
            (":>=", Operator::GreaterOrEqual),
            (":<=", Operator::LessOrEqual),
            (":>", Operator::Greater),
            (":<", Operator::Less),
            (":", Operator::Equal),
            (">=", Operator::GreaterOrEqual),
            ("<=", Operator::LessOrEqual),
            (">", Operator::Greater),
            ("<", Operator::Less),
            ("!=", Operator::NotEqual),
            ("==", Operator::Equal),
            ("=", Operator::Equal),
        ];
        let after_name = &self.text[at..];
        let rest = after_name.trim_start();
        let start = self.text.len() - rest.len();
        let (written, operator) = OPERATORS.into_iter().find(|(written, _)| rest.starts_with(written))?;
        // "note : this" and "http://host" are no field tests.
        if written.starts_with(':') && (start > at || rest.starts_with("://")) {
            return None;
        }
        Some((operator, start, start + written.len()))
    }

    /// Takes what follows an operator: a value, or the opening of a group of values.
    fn value(&mut self, name_start: usize, operator: Operator) -> Result<(), ParseError> {
        let operator_end = self.at;
        if self.text[..operator_end].ends_with(['>', '<', '=']) {
            self.skip_space();
        }
        match self.peek() {
            Some('(') if matches!(operator, Operator::Equal | Operator::NotEqual) => {
                self.open(true);
                Ok(())
            }
            Some(c) if !c.is_whitespace() && c != ')' && c != '(' => self.pattern(LexemeKind::Value),
            found => {
                let written = &self.text[name_start..operator_end];
                let found = match found {
                    None => "the end of the query".to_owned(),
                    Some(c) if c.is_whitespace() => "a space".to_owned(),
                    Some(c) => format!("{c:?}"),
                };
                Err(ParseError::new(
                    Span::new(self.at, self.at),
                    format!(
                        "expected a value right after {written:?}, found {found}: to search for text that contains a colon or a comparison, put it in quotes"
                    ),
                ))
            }
        }
    }

    /// Takes literal pieces, bare or quoted, with wildcards between them.
    fn pattern(&mut self, kind: fn(Pattern) -> LexemeKind) -> Result<(), ParseError> {
        let start = self.at;
        let mut pieces = Vec::new();
        let mut piece: Option<String> = None;
        loop {
            match self.peek() {
                Some('*') => {
                    self.at += 1;
                    pieces.push(piece.take().unwrap_or_default());
                }
                Some(c) if c.is_whitespace() || c == ')' => break,
                None => break,
                Some(c) if piece.is_some() => return Err(self.run_together(c)),
                Some('"') => {
                    let (text, end) = quoted(self.text, self.at)?;
                    self.at = end;
                    piece = Some(text);
                }
                Some(_) => {
                    let is_end = |c: char| c.is_whitespace() || "\"()*".contains(c);
                    let len = self.rest().find(is_end).unwrap_or(self.rest().len());
                    if len == 0 {
                        return Err(self.run_together('('));
                    }
                    piece = Some(self.rest()[..len].to_owned());
                    self.at += len;
                }
            }
        }
        pieces.push(piece.unwrap_or_default());
        self.push(start, kind(Pattern::from_pieces(pieces)));
        Ok(())
    }

    fn run_together(&self, found: char) -> ParseError {
        ParseError::new(
            Span::new(self.at, self.at + found.len_utf8()),
            format!("expected a space, found {found:?}: put text with quotes or parentheses in quotes, as in \"f(x)\""),
        )
    }
}

fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || "_.-/@$".contains(c)
}

/// The text in the quotes that open at `at`, and where they end. `\"` and `\\` stand for the second of the two.
fn quoted(text: &str, at: usize) -> Result<(String, usize), ParseError> {
    let mut content = String::new();
    let mut chars = text[at..].char_indices().skip(1).peekable();
    while let Some((offset, c)) = chars.next() {
        match c {
            '"' => return Ok((content, at + offset + 1)),
            '\\' if chars.peek().is_some_and(|&(_, c)| c == '"' || c == '\\') => {
                content.extend(chars.next().map(|(_, c)| c));
            }
            _ => content.push(c),
        }
    }
    Err(ParseError::new(
        Span::new(at, text.len()),
        format!("expected a closing quote for the one at byte {at}, found the end of the query"),
    ))
}
