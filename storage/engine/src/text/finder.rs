//! Finding an ASCII text in ASCII texts, whatever the case.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use regex::bytes::{Regex, RegexBuilder};

/// After so many bytes a regular expression is made, which is fast but takes as long to make as these to search.
const PLAIN_BYTES_MAX: usize = 256 << 10;

/// Finds a text. Clones share what they are made of, but each has memory of its own to search with.
#[derive(Debug)]
pub(crate) struct AsciiFinder {
    shared: Arc<Shared>,
    /// This one's of the shared expression.
    regex: OnceLock<Option<Regex>>,
}

#[derive(Debug)]
struct Shared {
    /// In lower case.
    part: Vec<u8>,
    /// None when it cannot be made.
    regex: OnceLock<Option<Regex>>,
    searched: AtomicUsize,
}

impl Clone for AsciiFinder {
    fn clone(&self) -> AsciiFinder {
        AsciiFinder { shared: Arc::clone(&self.shared), regex: OnceLock::new() }
    }
}

impl Shared {
    fn regex(&self) -> Option<Regex> {
        let made = self.regex.get_or_init(|| {
            let pattern = regex::escape(&String::from_utf8_lossy(&self.part));
            RegexBuilder::new(&pattern).case_insensitive(true).unicode(false).build().ok()
        });
        made.clone()
    }
}

impl AsciiFinder {
    /// Finds `part`; none when that is empty or has other letters.
    pub(crate) fn new(part: &str) -> Option<AsciiFinder> {
        let part = part.to_ascii_lowercase().into_bytes();
        let is_fit = part.is_ascii() && !part.is_empty();
        let shared = || Shared { part, regex: OnceLock::new(), searched: AtomicUsize::new(0) };
        is_fit.then(|| AsciiFinder { shared: Arc::new(shared()), regex: OnceLock::new() })
    }

    /// Whether `text` contains it.
    pub(crate) fn is_in(&self, text: &[u8]) -> bool {
        match self.regex(text.len()) {
            Some(regex) => regex.is_match(text),
            None => self.find_plainly(text, 0).is_some(),
        }
    }

    /// Where in `text` it is, from `from` on.
    pub(crate) fn find_at(&self, text: &[u8], from: usize) -> Option<Range<usize>> {
        match self.regex(text.len().saturating_sub(from)) {
            Some(regex) => regex.find_at(text, from).map(|hit| hit.range()),
            None => self.find_plainly(text, from),
        }
    }

    /// The regular expression, when it pays to search so many more bytes by it.
    fn regex(&self, bytes: usize) -> Option<&Regex> {
        if let Some(regex) = self.regex.get() {
            return regex.as_ref();
        }
        let searched = self.shared.searched.fetch_add(bytes, Ordering::Relaxed);
        if searched.saturating_add(bytes) < PLAIN_BYTES_MAX {
            return None;
        }
        self.regex.get_or_init(|| self.shared.regex()).as_ref()
    }

    fn find_plainly(&self, text: &[u8], from: usize) -> Option<Range<usize>> {
        let (first, length) = (self.shared.part[0], self.shared.part.len());
        let begins =
            |at: usize| text.get(at..at + length).is_some_and(|found| found.eq_ignore_ascii_case(&self.shared.part));
        let rest = text.get(from..).unwrap_or_default();
        let mut places = memchr::memchr2_iter(first, first.to_ascii_uppercase(), rest).map(|place| from + place);
        places.find(|&at| begins(at)).map(|at| at..at + length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_found_at_the_same_place_in_either_way(text in "[aAbB.]{0,20}", part in "[abAB.]{1,3}", from in 0usize..9) {
            let [plain, regex] = [0, PLAIN_BYTES_MAX].map(|searched| {
                let finder = AsciiFinder::new(&part).expect("fit");
                finder.shared.searched.store(searched, Ordering::Relaxed);
                (finder.find_at(text.as_bytes(), from.min(text.len())), finder.is_in(text.as_bytes()))
            });
            prop_assert_eq!(&plain, &regex);
            prop_assert_eq!(plain.1, text.to_lowercase().contains(&part.to_lowercase()));
        }
    }

    #[test]
    fn other_letters_and_nothing_are_for_others_to_find() {
        assert!(AsciiFinder::new("é").is_none() && AsciiFinder::new("").is_none());
    }
}
