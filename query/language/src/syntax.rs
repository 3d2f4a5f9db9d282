//! The syntax tree.

use serde::Serialize;

/// A whole query. Two are equal when they mean the same by syntax, wherever their parts stood in the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The condition; `None` is met by every record.
    pub root: Option<Node>,
}

impl Query {
    /// The query that every record meets.
    pub fn everything() -> Query {
        Query::default()
    }
}

/// Where in the text, in bytes: from `start` (inclusive) to `end` (exclusive).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Span {
    /// From `start` to `end`.
    pub fn new(start: usize, end: usize) -> Span {
        Span { start, end }
    }

    /// The least span that covers both.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// A condition and where it stood. Equality looks at the condition only.
#[derive(Clone, Debug)]
pub struct Node {
    /// The condition.
    pub kind: NodeKind,
    /// Where it stood.
    pub span: Span,
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl Eq for Node {}

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// All hold. Two or more, none of them `And` itself.
    And(Vec<Node>),
    /// One holds. Two or more, none of them `Or` itself.
    Or(Vec<Node>),
    /// It does not hold.
    Not(Box<Node>),
    /// The text of the record matches.
    Text(Text),
    /// A field of the record passes a test.
    Field(Field, Test),
}

/// What the text of a record has to contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// A word, a phrase, or a pattern with wildcards.
    Pattern(Pattern),
    /// A match of this regular expression. Its own syntax is not checked here.
    Regex(String),
}

/// Literal text with wildcards between, before or after: the pieces around each `*`. One piece has no wildcard,
/// `["time", ""]` is `time*`, `["", "meou", ""]` is `*meou*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    pieces: Vec<String>,
}

impl Pattern {
    /// The text without wildcards.
    pub fn literal(text: impl Into<String>) -> Pattern {
        Pattern { pieces: vec![text.into()] }
    }

    /// The pattern with a wildcard between neighbours; wildcards next to one another are one.
    pub fn from_pieces(pieces: Vec<String>) -> Pattern {
        let last = pieces.len().saturating_sub(1);
        let mut kept: Vec<String> = Vec::with_capacity(pieces.len());
        for (number, piece) in pieces.into_iter().enumerate() {
            if number == 0 || number == last || !piece.is_empty() {
                kept.push(piece);
            }
        }
        if kept.is_empty() {
            kept.push(String::new());
        }
        Pattern { pieces: kept }
    }

    /// The literal pieces; never empty.
    pub fn pieces(&self) -> &[String] {
        &self.pieces
    }

    /// The text, when there is no wildcard.
    pub fn as_literal(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [text] => Some(text),
            _ => None,
        }
    }
}

/// The name of a field.
#[derive(Clone, Debug)]
pub struct Field {
    /// Where an attribute of that name has to stand, when the query says so.
    pub place: Option<Place>,
    /// The name without the place.
    pub name: String,
    /// Whether the name stood in quotes: it is then an attribute's, taken as it stands.
    pub quoted: bool,
    /// Where the name (with its place) stood.
    pub span: Span,
}

impl Field {
    /// The field of exactly this attribute, in quotes where it needs them.
    pub fn attribute(place: Place, key: &str) -> Field {
        let plain = crate::parse_field(&format!("{}.{key}", place.as_str()));
        let same = |field: &Field| field.place == Some(place) && field.name == key && !field.quoted;
        let intrinsic = place == Place::Scope && matches!(key, "name" | "version");
        let quoted = intrinsic || !plain.as_ref().is_ok_and(same);
        Field { place: Some(place), name: key.to_owned(), quoted, span: Span::default() }
    }
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place && self.name == other.name && self.quoted == other.quoted
    }
}

impl Eq for Field {}

/// Where an attribute stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// `span.`: on the span itself.
    Span,
    /// `log.`: on the log record itself.
    Log,
    /// `resource.`: on the resource.
    Resource,
    /// `scope.`: on the instrumentation scope.
    Scope,
    /// `event.`: on an event of the span.
    Event,
    /// `link.`: on a link of the span.
    Link,
}

impl Place {
    /// Every place.
    pub const ALL: [Place; 6] = [Place::Span, Place::Log, Place::Resource, Place::Scope, Place::Event, Place::Link];

    /// The word before the dot.
    pub fn as_str(self) -> &'static str {
        match self {
            Place::Span => "span",
            Place::Log => "log",
            Place::Resource => "resource",
            Place::Scope => "scope",
            Place::Event => "event",
            Place::Link => "link",
        }
    }
}

/// What a field's value has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// There is one: `field:*`.
    Exists,
    /// It matches as a whole: `field:value`, `field=value`.
    Is(Value<Pattern>),
    /// It stands so to a constant. The operator is never [`Operator::Equal`] or [`Operator::NotEqual`].
    Compare(Operator, Value<String>),
}

/// A constant and where it stood. Equality looks at the constant only.
#[derive(Clone, Debug)]
pub struct Value<T> {
    /// The constant.
    pub content: T,
    /// Where it stood.
    pub span: Span,
}

impl<T: PartialEq> PartialEq for Value<T> {
    fn eq(&self, other: &Self) -> bool {
        self.content == other.content
    }
}

impl<T: Eq> Eq for Value<T> {}

/// A comparison as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Operator {
    /// `:` or `=`.
    Equal,
    /// `!=`: short for the negation of `=`.
    NotEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
}

impl Operator {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Operator::Equal => ":",
            Operator::NotEqual => "!=",
            Operator::Greater => ">",
            Operator::GreaterOrEqual => ">=",
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
        }
    }
}
