//! The trigrams of a row group: which three letters or digits stand one after the other in its words, and which in its
//! identifiers.
//!
//! A part of a text that has a trigram which the row group has not is in none of its rows. Only ASCII letters and digits
//! are told apart, so a set has a fixed size, whatever is sent.

/// Letters of the Latin alphabet and digits.
const SIGNS: usize = 36;

/// The bits of a set, in bytes.
const SET_BYTES: usize = SIGNS * SIGNS * SIGNS / 8;

/// A set of trigrams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TrigramSet(Box<[u8]>);

impl Default for TrigramSet {
    fn default() -> TrigramSet {
        TrigramSet(vec![0; SET_BYTES].into_boxed_slice())
    }
}

fn sign(byte: u8) -> Option<usize> {
    match byte {
        b'a'..=b'z' => Some(usize::from(byte - b'a')),
        b'0'..=b'9' => Some(usize::from(byte - b'0') + 26),
        _ => None,
    }
}

/// The numbers of the trigrams of a text in lower case.
fn trigrams(text: &str) -> impl Iterator<Item = usize> + '_ {
    text.as_bytes().windows(3).filter_map(|three| {
        let [first, second, third] = [sign(three[0])?, sign(three[1])?, sign(three[2])?];
        Some((first * SIGNS + second) * SIGNS + third)
    })
}

impl TrigramSet {
    /// Adds the trigrams of a token.
    pub(super) fn add(&mut self, token: &str) {
        trigrams(token).for_each(|trigram| self.0[trigram / 8] |= 1 << (trigram % 8));
    }

    /// Whether a token may contain `part`, which is in lower case: it has all trigrams of it.
    pub(super) fn may_have(&self, part: &str) -> bool {
        trigrams(part).all(|trigram| self.0[trigram / 8] & 1 << (trigram % 8) != 0)
    }
}

/// The trigrams of a row group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trigrams {
    /// Of its words.
    pub(super) words: TrigramSet,
    /// Of its identifiers.
    pub(super) identifiers: TrigramSet,
}

impl Trigrams {
    /// The sets as bytes: see docs/formats/segment.md.
    pub(super) fn encode(&self) -> std::io::Result<Vec<u8>> {
        zstd::bulk::compress(&[&self.words.0[..], &self.identifiers.0[..]].concat(), 3)
    }

    /// The sets in `bytes`, unless they are damaged.
    pub(super) fn decode(bytes: &[u8]) -> Option<Trigrams> {
        let sets = zstd::bulk::decompress(bytes, 2 * SET_BYTES).ok().filter(|sets| sets.len() == 2 * SET_BYTES)?;
        let (words, identifiers) = sets.split_at(SET_BYTES);
        Some(Trigrams { words: TrigramSet(words.into()), identifiers: TrigramSet(identifiers.into()) })
    }

    /// Whether a token that is no word may contain `part`. None when it is too short to tell.
    pub(super) fn may_be_in_identifier(&self, part: &str) -> Option<bool> {
        trigrams(part).next().is_some().then(|| self.identifiers.may_have(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_tokens_may_be_there_and_others_are_not() {
        let mut trigrams = Trigrams::default();
        trigrams.words.add("timeout");
        trigrams.words.add("größe");
        trigrams.identifiers.add("a3f9");
        let trigrams = Trigrams::decode(&trigrams.encode().expect("compresses")).expect("undamaged");
        for part in ["timeout", "imeou", "out", "ou", "", "größe", "öß"] {
            assert!(trigrams.words.may_have(part), "{part}");
        }
        for part in ["timeouts", "a3f", "meoz", "9tim"] {
            assert!(!trigrams.words.may_have(part), "{part}");
        }
        let in_identifier = ["a3f9", "a3f", "3fa", "a3", "öß3"].map(|part| trigrams.may_be_in_identifier(part));
        assert_eq!(in_identifier, [Some(true), Some(true), Some(false), None, None]);
    }

    #[test]
    fn damaged_sets_are_noticed() {
        let bytes = Trigrams::default().encode().expect("compresses");
        assert!(Trigrams::decode(&bytes[..bytes.len() - 1]).is_none());
        let short = zstd::bulk::compress(&[0; SET_BYTES], 3).expect("compresses");
        assert!(Trigrams::decode(&short).is_none());
    }
}
