//! Syntax tree to canonical text, which parses to the same tree.

use std::fmt::{self, Display, Formatter, Write};

use crate::syntax::{Field, Node, NodeKind, Pattern, Query, Test, Text};

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.root {
            Some(root) => root.fmt(f),
            None => Ok(()),
        }
    }
}

impl Display for Node {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            NodeKind::And(parts) => {
                for (number, part) in parts.iter().enumerate() {
                    if number > 0 {
                        f.write_char(' ')?;
                    }
                    part.write_grouped(f, matches!(part.kind, NodeKind::Or(_)))?;
                }
                Ok(())
            }
            NodeKind::Or(parts) => {
                for (number, part) in parts.iter().enumerate() {
                    if number > 0 {
                        f.write_str(" OR ")?;
                    }
                    part.fmt(f)?;
                }
                Ok(())
            }
            NodeKind::Not(inner) => {
                f.write_char('-')?;
                inner.write_grouped(f, matches!(inner.kind, NodeKind::And(_) | NodeKind::Or(_)))
            }
            NodeKind::Text(Text::Pattern(pattern)) => write_pattern(f, pattern, is_plain_text),
            NodeKind::Text(Text::Regex(content)) => write_regex(f, content),
            NodeKind::Field(field, test) => write!(f, "{field}{test}"),
        }
    }
}

impl Node {
    fn write_grouped(&self, f: &mut Formatter<'_>, grouped: bool) -> fmt::Result {
        match grouped {
            true => write!(f, "({self})"),
            false => self.fmt(f),
        }
    }
}

impl Display for Field {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.place {
            write!(f, "{}.", place.as_str())?;
        }
        match self.quoted {
            true => write_quoted(f, &self.name),
            false => f.write_str(&self.name),
        }
    }
}

impl Display for Test {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Test::Exists => f.write_str(":*"),
            Test::Is(value) => {
                f.write_char(':')?;
                write_pattern(f, &value.content, is_plain_value)
            }
            Test::Compare(operator, value) => {
                f.write_str(operator.as_str())?;
                write_pattern(f, &Pattern::literal(&value.content), is_plain_value)
            }
        }
    }
}

fn write_pattern(f: &mut Formatter<'_>, pattern: &Pattern, is_plain: fn(&str) -> bool) -> fmt::Result {
    for (number, piece) in pattern.pieces().iter().enumerate() {
        if number > 0 {
            f.write_char('*')?;
        }
        let omitted = piece.is_empty() && pattern.pieces().len() > 1;
        match omitted || is_plain(piece) {
            true => f.write_str(piece)?,
            false => write_quoted(f, piece)?,
        }
    }
    Ok(())
}

/// Whether the text may stand by itself without quotes.
fn is_plain_text(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphanumeric() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || "_.-/".contains(c))
        && !matches!(text, "AND" | "OR" | "NOT")
}

/// Whether the text may stand after an operator without quotes. `a://` would be taken for the beginning of a URL.
fn is_plain_value(text: &str) -> bool {
    !text.is_empty() && !text.starts_with("//") && text.chars().all(|c| c.is_alphanumeric() || "_.-/:@+%".contains(c))
}

fn write_quoted(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        if c == '"' || c == '\\' {
            f.write_char('\\')?;
        }
        f.write_char(c)?;
    }
    f.write_char('"')
}

fn write_regex(f: &mut Formatter<'_>, content: &str) -> fmt::Result {
    f.write_char('/')?;
    let mut chars = content.chars();
    while let Some(c) = chars.next() {
        match c {
            '/' => f.write_str("\\/")?,
            '\\' => {
                f.write_char('\\')?;
                chars.next().map_or(Ok(()), |escaped| f.write_char(escaped))?;
            }
            _ => f.write_char(c)?,
        }
    }
    f.write_char('/')
}
