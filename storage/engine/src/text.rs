//! Full-text matching: what a token is and what a pattern means, for indexed and unindexed data alike.

mod finder;
mod needed;

use std::sync::{Arc, OnceLock};

pub(crate) use finder::AsciiFinder;
pub(crate) use needed::Needed;
use regex::Regex;
use serde::{Deserialize, Serialize};

/// A condition on a text.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TextPattern {
    /// The text's tokens contain these, one right after the other, ignoring case (a word or a quoted phrase).
    /// Already tokenised by [`tokens`]; never empty.
    Phrase(Vec<String>),
    /// As `Phrase`, but the last is the beginning of a token (`time*`).
    Prefix(Vec<String>),
    /// The text contains this, ignoring case (`*time*`).
    Contains(String),
    /// The regular expression matches somewhere in the text. Case as written.
    Regex(#[serde(with = "regex_text")] Regex),
}

/// A regular expression as its text.
mod regex_text {
    use regex::Regex;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(regex: &Regex, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(regex.as_str())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Regex, D::Error> {
        Regex::new(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl PartialEq for TextPattern {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (TextPattern::Phrase(a), TextPattern::Phrase(b)) | (TextPattern::Prefix(a), TextPattern::Prefix(b)) => {
                a == b
            }
            (TextPattern::Contains(a), TextPattern::Contains(b)) => a == b,
            (TextPattern::Regex(a), TextPattern::Regex(b)) => a.as_str() == b.as_str(),
            _ => false,
        }
    }
}

/// The tokens of a text: maximal runs of letters and digits (Unicode), in lower case. An underscore separates, so that
/// the parts of `order_id` are found by themselves, and the whole as a phrase.
pub fn tokens(text: &str) -> impl Iterator<Item = String> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut token = String::new();
        next_token(&mut rest, &mut token).then_some(token)
    })
}

/// Takes the next token from the front of `rest` and writes it to `token`. False when there is none.
pub(crate) fn next_token(rest: &mut &str, token: &mut String) -> bool {
    let Some(word) = next_ascii_word(rest).or_else(|| next_word(rest)) else {
        *rest = "";
        return false;
    };
    token.clear();
    if word.is_ascii() {
        token.push_str(word);
        token.make_ascii_lowercase();
    } else {
        token.push_str(&word.to_lowercase());
    }
    true
}

/// As [`next_word`], as long as there are ASCII characters only, which is quicker.
fn next_ascii_word<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let bytes = rest.as_bytes();
    let start = bytes.iter().position(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())?;
    let length = bytes[start..].iter().position(|byte| !byte.is_ascii_alphanumeric());
    let end = length.map_or(bytes.len(), |length| start + length);
    if end == start || bytes.get(end).is_some_and(|byte| !byte.is_ascii()) {
        return None;
    }
    let word = &rest[start..end];
    *rest = &rest[end..];
    Some(word)
}

/// Takes the next run of letters and digits from the front of `rest`.
fn next_word<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let text = *rest;
    let start = text.find(char::is_alphanumeric)?;
    let end = text[start..].find(|c: char| !c.is_alphanumeric()).map_or(text.len(), |length| start + length);
    *rest = &text[end..];
    Some(&text[start..end])
}

/// Whether the values of this attribute of a span's event belong to the span's full text.
pub(crate) fn is_text_attribute(key: &str) -> bool {
    key.starts_with("exception.")
}

impl TextPattern {
    /// Makes the pattern ready to be tried on many texts.
    pub(crate) fn matcher(&self) -> TextMatcher {
        match self {
            TextPattern::Phrase(tokens) => TextMatcher::tokens(tokens, LastToken::Whole),
            TextPattern::Prefix(tokens) => TextMatcher::tokens(tokens, LastToken::Beginning),
            TextPattern::Contains(part) => {
                let part = part.to_lowercase();
                TextMatcher::Contains { finder: AsciiFinder::new(&part), needed: Needed::of_part(&part), part }
            }
            TextPattern::Regex(regex) => TextMatcher::Regex { regex: regex.clone(), needed: Arc::default() },
        }
    }
}

/// How the last token of a pattern has to stand in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastToken {
    /// As it is.
    Whole,
    /// At the beginning of a token.
    Beginning,
}

/// A [`TextPattern`] made ready. The only place where matching is decided: scans of live rows, of segments and the
/// check of what the index found all come here.
#[derive(Clone, Debug)]
pub(crate) enum TextMatcher {
    Tokens { tokens: Vec<String>, last: LastToken, finder: Option<AsciiFinder> },
    Contains { part: String, finder: Option<AsciiFinder>, needed: Needed },
    Regex { regex: Regex, needed: Arc<OnceLock<Needed>> },
}

impl TextMatcher {
    fn tokens(tokens: &[String], last: LastToken) -> TextMatcher {
        let finder = tokens.iter().max_by_key(|token| token.len()).and_then(|token| AsciiFinder::new(token));
        TextMatcher::Tokens { tokens: tokens.to_vec(), last, finder }
    }

    /// What a text in lower case has to contain. None when it is tokens.
    pub(crate) fn needed(&self) -> Option<&Needed> {
        match self {
            TextMatcher::Tokens { .. } => None,
            TextMatcher::Contains { needed, .. } => Some(needed),
            TextMatcher::Regex { regex, needed } => Some(needed.get_or_init(|| Needed::of_regex(regex.as_str()))),
        }
    }

    /// Finds an ASCII text that every ASCII text that matches contains, if one is known.
    pub(crate) fn finder(&self) -> Option<&AsciiFinder> {
        match self {
            TextMatcher::Tokens { finder, .. } | TextMatcher::Contains { finder, .. } => finder.as_ref(),
            TextMatcher::Regex { .. } => None,
        }
    }

    /// Whether `text` matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            TextMatcher::Tokens { tokens, last, finder } => {
                // What the lower case of other letters may be is for the full comparison to say.
                if !text.is_ascii() {
                    return contains_tokens(text, tokens, *last);
                }
                let may_be = finder.as_ref().is_none_or(|finder| finder.is_in(text.as_bytes()));
                may_be && ascii_contains_tokens(text.as_bytes(), tokens, *last)
            }
            TextMatcher::Contains { part, finder, .. } => match finder {
                Some(finder) if text.is_ascii() => finder.is_in(text.as_bytes()),
                _ => text.to_lowercase().contains(part),
            },
            TextMatcher::Regex { regex, .. } => regex.is_match(text),
        }
    }
}

/// [`contains_tokens`] for a text without letters beyond ASCII.
fn ascii_contains_tokens(text: &[u8], wanted: &[String], last: LastToken) -> bool {
    let is_at = |run: &[u8], place: usize| match (place + 1 == wanted.len(), last) {
        (true, LastToken::Beginning) => {
            run.get(..wanted[place].len()).is_some_and(|start| start.eq_ignore_ascii_case(wanted[place].as_bytes()))
        }
        _ => run.eq_ignore_ascii_case(wanted[place].as_bytes()),
    };
    let mut runs = text.split(|byte| !byte.is_ascii_alphanumeric()).filter(|run| !run.is_empty());
    while let Some(run) = runs.next() {
        if is_at(run, 0) {
            let mut following = runs.clone();
            if (1..wanted.len()).all(|place| following.next().is_some_and(|run| is_at(run, place))) {
                return true;
            }
        }
    }
    wanted.is_empty()
}

fn contains_tokens(text: &str, wanted: &[String], last: LastToken) -> bool {
    let Some((ending, leading)) = wanted.split_last() else {
        return true;
    };
    let ends = |token: &String| match last {
        LastToken::Whole => token == ending,
        LastToken::Beginning => token.starts_with(ending.as_str()),
    };
    if leading.is_empty() {
        return tokens(text).any(|token| ends(&token));
    }
    let found: Vec<String> = tokens(text).collect();
    found.windows(wanted.len()).any(|window| ends(&window[leading.len()]) && window[..leading.len()] == *leading)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn texts_without_other_letters_are_judged_as_all_are(
            text in "[aAbB1 _.]{0,12}", wanted in prop::collection::vec("[ab1]{1,2}", 1..4), whole: bool
        ) {
            let last = if whole { LastToken::Whole } else { LastToken::Beginning };
            let found = ascii_contains_tokens(text.as_bytes(), &wanted, last);
            prop_assert_eq!(found, contains_tokens(&text, &wanted, last));
        }
    }

    fn phrase(text: &str) -> TextPattern {
        TextPattern::Phrase(tokens(text).collect())
    }

    #[test]
    fn phrases_match_whole_tokens_in_a_row_whatever_the_case() {
        let matcher = phrase("connection REFUSED").matcher();
        assert!(matcher.matches("dial: Connection refused!"));
        assert!(!matcher.matches("connection was refused"));
        assert!(!matcher.matches("connection refusedX"));
        assert!(phrase("ÄRGER").matcher().matches("viel ärger"));
    }

    #[test]
    fn prefixes_match_the_beginning_of_the_last_token_only() {
        let matcher = TextPattern::Prefix(vec!["read".into(), "time".into()]).matcher();
        assert!(matcher.matches("Read TIMEOUT"));
        assert!(!matcher.matches("reads timeout"));
        assert!(!matcher.matches("read overtime"));
    }

    #[test]
    fn tokens_are_runs_of_letters_and_digits_of_any_script() {
        let cut = |text: &str| tokens(text).collect::<Vec<_>>();
        assert_eq!(cut("GET /a_b?x=1"), ["get", "a", "b", "x", "1"]);
        assert_eq!(cut("caf\u{e9}s — \u{c4}rger2 end"), ["caf\u{e9}s", "\u{e4}rger2", "end"]);
        assert_eq!(cut("-\u{2014}-x"), ["x"]);
        assert_eq!(cut("a\u{2014}b"), ["a", "b"]);
        assert!(cut(" -- \u{2014}").is_empty() && cut("").is_empty());
    }

    #[test]
    fn contains_looks_inside_words_and_ignores_case_beyond_ascii() {
        let matcher = TextPattern::Contains("MEOU".into()).matcher();
        assert!(matcher.matches("tiMeout") && matcher.matches("é timeout"));
        assert!(TextPattern::Contains("k".into()).matcher().matches("\u{212a}elvin"), "the Kelvin sign is a K");
        assert!(TextPattern::Contains(String::new()).matcher().matches(""));
    }
}
