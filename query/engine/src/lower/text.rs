//! Words, phrases, wildcards and regular expressions.

use regex::{Regex, RegexBuilder};
use tracewell_language::{Pattern, Span, Text};
use tracewell_storage::{Column, Comparison, Predicate, Scalar, TextPattern, tokens};

use super::compare;
use crate::QueryError;

/// How large a compiled regular expression may get, in bytes.
const REGEX_BYTES_MAX: usize = 1 << 20;
/// A character that belongs to a token, and one that does not.
const TOKEN_CHAR: &str = r"[\p{Alphabetic}\p{N}]";
const OTHER_CHAR: &str = r"[^\p{Alphabetic}\p{N}]";

/// The record's full text matches.
pub(super) fn full_text(text: &Text, span: Span) -> Result<Predicate, QueryError> {
    let pattern = match text {
        Text::Regex(content) => return Ok(Predicate::Text(TextPattern::Regex(regex(content, span)?))),
        Text::Pattern(pattern) => pattern,
    };
    let words = |text: &str| tokens(text).collect::<Vec<_>>();
    let pieces: Vec<&str> = pattern.pieces().iter().map(String::as_str).collect();
    let pattern = match pieces.as_slice() {
        ["", ""] => return Ok(Predicate::always()),
        [text] => match words(text) {
            words if words.is_empty() => TextPattern::Contains((*text).to_owned()),
            words => TextPattern::Phrase(words),
        },
        [start, ""] => match words(start) {
            words if words.is_empty() => TextPattern::Contains((*start).to_owned()),
            words if start.ends_with(char::is_alphanumeric) => TextPattern::Prefix(words),
            words => TextPattern::Phrase(words),
        },
        ["", part, ""] => TextPattern::Contains((*part).to_owned()),
        pieces => TextPattern::Regex(regex(&within_words(pieces), span)?),
    };
    Ok(Predicate::Text(pattern))
}

/// Wildcards in the middle of a word stand for more of the word; those at both ends open it to any text.
fn within_words(pieces: &[&str]) -> String {
    let opens = pieces.first().is_some_and(|first| first.is_empty());
    let ends_open = pieces.last().is_some_and(|last| last.is_empty());
    let between = if opens && ends_open { ".*".to_owned() } else { format!("{TOKEN_CHAR}*") };
    let literals: Vec<String> =
        pieces.iter().filter(|piece| !piece.is_empty()).map(|piece| regex::escape(piece)).collect();
    let start = if opens { String::new() } else { format!("(?:^|{OTHER_CHAR})") };
    let end = if ends_open { String::new() } else { format!("(?:$|{OTHER_CHAR})") };
    format!("(?is){start}{}{end}", literals.join(&between))
}

/// The column's whole value matches, case as written.
pub(super) fn whole_value(column: Column, pattern: &Pattern, span: Span) -> Result<Predicate, QueryError> {
    let pieces: Vec<&str> = pattern.pieces().iter().map(String::as_str).collect();
    match pieces.as_slice() {
        [text] => Ok(compare(column, Comparison::Equal, Scalar::String((*text).to_owned()))),
        [start, ""] => Ok(begins_with(column, start)),
        pieces => matches(column, "(?s)", pieces, span),
    }
}

/// The column's whole value matches, whatever its case.
pub(super) fn whole_value_of_any_case(column: Column, pattern: &Pattern, span: Span) -> Result<Predicate, QueryError> {
    let pieces: Vec<&str> = pattern.pieces().iter().map(String::as_str).collect();
    matches(column, "(?is)", &pieces, span)
}

fn matches(column: Column, flags: &str, pieces: &[&str], span: Span) -> Result<Predicate, QueryError> {
    let literals: Vec<String> = pieces.iter().map(|piece| regex::escape(piece)).collect();
    let pattern = format!("{flags}^{}$", literals.join(".*"));
    Ok(Predicate::Matches { column, pattern: TextPattern::Regex(regex(&pattern, span)?) })
}

/// A range of values, which statistics can prune.
fn begins_with(column: Column, start: &str) -> Predicate {
    let from = compare(column.clone(), Comparison::GreaterOrEqual, Scalar::String(start.to_owned()));
    match after_all_with(start) {
        Some(end) => Predicate::And(vec![from, compare(column, Comparison::Less, Scalar::String(end))]),
        None => from,
    }
}

/// The least text that is greater than every text with this beginning, if there is one.
fn after_all_with(start: &str) -> Option<String> {
    let mut kept: Vec<char> = start.chars().collect();
    while let Some(last) = kept.pop() {
        // The range steps over the surrogates, which are no characters.
        if let Some(next) = (last..=char::MAX).nth(1) {
            kept.push(next);
            return Some(kept.into_iter().collect());
        }
    }
    None
}

fn regex(pattern: &str, span: Span) -> Result<Regex, QueryError> {
    RegexBuilder::new(pattern).size_limit(REGEX_BYTES_MAX).dfa_size_limit(REGEX_BYTES_MAX).build().map_err(|error| {
        let reason = match &error {
            regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
            // The last line says what is wrong, those before draw it.
            error => error.to_string().lines().last().unwrap_or_default().replace("error: ", ""),
        };
        QueryError::invalid_at(span.start, format!("the regular expression cannot be used: {reason}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(query: &str) -> TextPattern {
        let root = tracewell_language::parse(query).expect("a query").root.expect("a condition");
        let tracewell_language::NodeKind::Text(text) = &root.kind else { panic!("{query} is no text") };
        match full_text(text, root.span).expect("a usable pattern") {
            Predicate::Text(pattern) => pattern,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn words_are_split_into_tokens_and_what_has_none_is_searched_as_it_stands() {
        assert_eq!(text("Conn-Refused"), TextPattern::Phrase(vec!["conn".into(), "refused".into()]));
        assert_eq!(text("\"read time\"*"), TextPattern::Prefix(vec!["read".into(), "time".into()]));
        assert_eq!(text("foo-*"), TextPattern::Phrase(vec!["foo".into()]));
        assert_eq!(text("\"!!\""), TextPattern::Contains("!!".into()));
        assert_eq!(text("*\"a b\"*"), TextPattern::Contains("a b".into()));
    }

    #[test]
    fn wildcards_inside_and_before_a_word_stay_within_it() {
        let matches = |query: &str, subject: &str| match text(query) {
            TextPattern::Regex(regex) => regex.is_match(subject),
            other => panic!("{other:?}"),
        };
        assert!(matches("*out", "a TIMEOUT, again") && matches("*out", "time_out_ms") && !matches("*out", "outer"));
        assert!(matches("t*out", "the timeout") && !matches("t*out", "time is out") && !matches("t*out", "at-1 xtout"));
        assert!(matches("*a*b*", "xa then by"));
    }

    #[test]
    fn the_end_of_a_prefix_range_is_the_next_text_in_byte_order() {
        assert_eq!(after_all_with("/cart").as_deref(), Some("/caru"));
        assert_eq!(after_all_with("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(after_all_with("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after_all_with("\u{10ffff}"), None);
    }

    #[test]
    fn broken_and_huge_regular_expressions_are_refused_at_their_place() {
        for content in ["(", "(?:\\w{500}){500}"] {
            let error = full_text(&Text::Regex(content.into()), Span::new(7, 9)).expect_err("refused");
            assert_eq!(error.position(), Some(7), "{error}");
        }
    }
}
