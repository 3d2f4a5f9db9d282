//! Trying a text pattern on a column of texts.

use arrow::array::{Array, BooleanBufferBuilder, StringArray};
use arrow::buffer::BooleanBuffer;

use crate::text::{AsciiFinder, TextMatcher};

/// Which of the texts match. Null ones do not.
pub(super) fn texts_that_match(matcher: &TextMatcher, texts: &StringArray) -> BooleanBuffer {
    // The memory of a regular expression is lent to one thread at a time, which others wait for: a clone has its own.
    let matcher = matcher.clone();
    let matches = |row: usize| texts.is_valid(row) && matcher.matches(texts.value(row));
    let Some(finder) = matcher.finder() else {
        return BooleanBuffer::collect_bool(texts.len(), matches);
    };
    let found = texts_with(finder, texts);
    let bounds = texts.value_offsets();
    let all = &texts.value_data()[bounds[0] as usize..bounds[texts.len()] as usize];
    if all.is_ascii() {
        return BooleanBuffer::collect_bool(texts.len(), |row| found.value(row) && matches(row));
    }
    // Letters beyond ASCII may become ASCII letters in lower case.
    BooleanBuffer::collect_bool(texts.len(), |row| (found.value(row) || !texts.value(row).is_ascii()) && matches(row))
}

/// The texts in which the finder finds its text, which is searched for in all of them at once.
fn texts_with(finder: &AsciiFinder, texts: &StringArray) -> BooleanBuffer {
    let (bounds, bytes) = (texts.value_offsets(), texts.value_data());
    let end = bounds[texts.len()] as usize;
    let mut found = BooleanBufferBuilder::new(texts.len());
    found.append_n(texts.len(), false);
    let (mut row, mut from) = (0, bounds[0] as usize);
    while let Some(hit) = finder.find_at(&bytes[..end], from) {
        row += bounds[row + 1..].partition_point(|bound| *bound as usize <= hit.start);
        // The text has one length: a hit that reaches into the next row is the last that begins in this one.
        if hit.end <= bounds[row + 1] as usize {
            found.set_bit(row, true);
        }
        from = bounds[row + 1] as usize;
    }
    found.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::TextPattern;

    fn texts() -> impl Strategy<Value = Vec<Option<String>>> {
        let text = prop_oneof![
            4 => "[abAB ]{0,6}",
            1 => "[abkK\u{212a}\u{130}i ]{0,4}",
            1 => Just("".to_owned()),
        ];
        prop::collection::vec(prop::option::weighted(0.9, text), 0..40)
    }

    proptest! {
        #[test]
        fn all_texts_at_once_are_judged_as_one_by_one(
            texts in texts(), part in "[abki]{1,3}", from in 0usize..20, length in 0usize..40
        ) {
            let array = StringArray::from(texts);
            let from = from.min(array.len());
            let array = array.slice(from, length.min(array.len() - from));
            for pattern in [
                TextPattern::Contains(part.clone()),
                TextPattern::Phrase(vec![part.clone()]),
                TextPattern::Prefix(vec!["a".to_owned(), part.clone()]),
            ] {
                let matcher = pattern.matcher();
                let each = array.iter().map(|text| text.is_some_and(|text| matcher.matches(text)));
                prop_assert_eq!(texts_that_match(&matcher, &array), each.collect::<BooleanBuffer>());
            }
        }
    }
}
