//! What a text has to contain to match a pattern, for the index to look for.

use regex_syntax::hir::{Class, Hir, HirKind};

/// The most parts that are looked for on account of one pattern.
const PARTS_MAX: usize = 16;

/// The most characters that are taken for one character of any case.
const CASES_MAX: usize = 4;

/// What a text in lower case has to contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Needed {
    /// This: lower case, ASCII, not empty.
    Part(String),
    /// Every one of these; none: anything will do.
    All(Vec<Needed>),
    /// One of these.
    Any(Vec<Needed>),
}

impl Needed {
    /// By a text that contains `part`, which is in lower case.
    pub(crate) fn of_part(part: &str) -> Needed {
        // What is not ASCII is in no trigram and in few words.
        let parts = part.split(|letter: char| !letter.is_ascii()).filter(|part| !part.is_empty());
        all(parts.map(|part| Needed::Part(part.to_owned())).collect())
    }

    /// By a text that a regular expression matches.
    pub(crate) fn of_regex(pattern: &str) -> Needed {
        match regex_syntax::parse(pattern) {
            Ok(hir) => {
                let needed = of_hir(&hir);
                if needed.parts() > PARTS_MAX { Needed::All(Vec::new()) } else { needed }
            }
            Err(_) => Needed::All(Vec::new()),
        }
    }

    fn parts(&self) -> usize {
        match self {
            Needed::Part(_) => 1,
            Needed::All(parts) | Needed::Any(parts) => parts.iter().map(Needed::parts).sum(),
        }
    }
}

fn all(mut parts: Vec<Needed>) -> Needed {
    parts.dedup();
    if parts.len() == 1 { parts.remove(0) } else { Needed::All(parts) }
}

fn of_hir(hir: &Hir) -> Needed {
    let mut sequence = Sequence::default();
    sequence.add(hir);
    sequence.end_run();
    all(sequence.parts)
}

/// What is needed of texts that come one after the other.
#[derive(Default)]
struct Sequence {
    parts: Vec<Needed>,
    /// The part that may go on.
    run: String,
}

impl Sequence {
    fn end_run(&mut self) {
        if !self.run.is_empty() {
            self.parts.push(Needed::Part(std::mem::take(&mut self.run)));
        }
    }

    /// Ends the run and adds what is needed besides.
    fn need(&mut self, needed: Needed) {
        self.end_run();
        if needed != Needed::All(Vec::new()) {
            self.parts.push(needed);
        }
    }

    fn add(&mut self, hir: &Hir) {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
                Ok(text) => text.chars().for_each(|letter| self.add_letter(letter)),
                Err(_) => self.end_run(),
            },
            HirKind::Class(class) => match letter_of_any_case(class) {
                Some(letter) => self.add_letter(letter),
                None => self.end_run(),
            },
            HirKind::Capture(capture) => self.add(&capture.sub),
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.add(part)),
            HirKind::Repetition(repetition) if repetition.min > 0 => self.need(of_hir(&repetition.sub)),
            HirKind::Repetition(_) => self.end_run(),
            HirKind::Alternation(parts) => {
                let parts: Vec<Needed> = parts.iter().map(of_hir).collect();
                match parts.contains(&Needed::All(Vec::new())) {
                    true => self.end_run(),
                    false => self.need(Needed::Any(parts)),
                }
            }
        }
    }

    fn add_letter(&mut self, letter: char) {
        for letter in letter.to_lowercase() {
            if letter.is_ascii() { self.run.push(letter) } else { self.end_run() }
        }
    }
}

/// The character that all of a class are in lower case.
fn letter_of_any_case(class: &Class) -> Option<char> {
    let letters: Vec<char> = match class {
        Class::Unicode(class) => {
            class.ranges().iter().flat_map(|range| range.start()..=range.end()).take(CASES_MAX + 1).collect()
        }
        Class::Bytes(class) => {
            let bytes = class.ranges().iter().flat_map(|range| range.start()..=range.end()).take(CASES_MAX + 1);
            bytes.map(char::from).collect()
        }
    };
    let first = *letters.first()?;
    let is_same = |letter: &char| letter.to_lowercase().eq(first.to_lowercase());
    (letters.len() <= CASES_MAX && letters.iter().all(is_same)).then_some(first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    fn part(text: &str) -> Needed {
        Needed::Part(text.to_owned())
    }

    #[test]
    fn literals_are_needed_wherever_they_must_match() {
        assert_eq!(Needed::of_regex("Time(?:out|d) after"), {
            Needed::All(vec![part("time"), Needed::Any(vec![part("out"), part("d")]), part(" after")])
        });
        assert_eq!(Needed::of_regex("(?i)timeout$"), part("timeout"));
        assert_eq!(Needed::of_regex("ti?meou"), Needed::All(vec![part("t"), part("meou")]));
        assert_eq!(Needed::of_regex("(ab)+c*d"), Needed::All(vec![part("ab"), part("d")]));
        assert_eq!(Needed::of_regex("a|\\d+"), Needed::All(vec![]));
        // The long s is no s in lower case.
        assert_eq!(Needed::of_regex("(?i)task"), Needed::All(vec![part("ta"), part("k")]));
        assert_eq!(Needed::of_part("größe 7"), Needed::All(vec![part("gr"), part("e 7")]));
        let many = (0..40).map(|number| format!("word{number}x")).collect::<Vec<_>>().join("|");
        assert_eq!(Needed::of_regex(&many), Needed::All(vec![]));
    }

    fn holds(needed: &Needed, text: &str) -> bool {
        match needed {
            Needed::Part(part) => text.contains(part.as_str()),
            Needed::All(parts) => parts.iter().all(|part| holds(part, text)),
            Needed::Any(parts) => parts.iter().any(|part| holds(part, text)),
        }
    }

    proptest! {
        #[test]
        fn what_is_needed_is_in_every_text_that_matches(
            pattern in "(\\(\\?i\\))?([aks\u{17f}\u{212a}Σİ. ]|a\\?|s\\+|\\[ks\\]|\\(a\\|sk\\)|\\(k\\|\\)){1,6}",
            text in "[aAkKsS\u{17f}\u{212a}Σσςİi. ]{0,12}"
        ) {
            let regex = Regex::new(&pattern).expect("valid");
            if regex.is_match(&text) {
                let needed = Needed::of_regex(&pattern);
                prop_assert!(holds(&needed, &text.to_lowercase()), "{needed:?}");
            }
        }
    }
}
