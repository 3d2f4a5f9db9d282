//! Full-text matching: what a token is and what a pattern means, for indexed and unindexed data alike.

use regex::Regex;

/// A condition on a text.
#[derive(Clone, Debug)]
pub enum TextPattern {
    /// The text's tokens contain these, one right after the other, ignoring case (a word or a quoted phrase).
    /// Already tokenised by [`tokens`]; never empty.
    Phrase(Vec<String>),
    /// As `Phrase`, but the last is the beginning of a token (`time*`).
    Prefix(Vec<String>),
    /// The text contains this, ignoring case (`*time*`).
    Contains(String),
    /// The regular expression matches somewhere in the text. Case as written.
    Regex(Regex),
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

/// The tokens of a text: maximal runs of letters, digits and underscores (Unicode), in lower case.
pub fn tokens(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|token| !token.is_empty()).map(str::to_lowercase)
}
