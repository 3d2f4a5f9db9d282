//! Durations in narrow classes: a mergeable sketch is how many durations each class has.
//!
//! Classes have bounds of six significant bits: 32 classes between a power of two and the next. What is said of a
//! duration in a class is off by at most 1/64 of it. Whole numbers only, so every program finds the same classes.

const CLASS_BITS: u32 = 5;

/// The class of a duration in nanoseconds. Classes are numbered in the order of durations; below 64 ns each has one
/// duration.
pub fn duration_class(duration: u64) -> u16 {
    let bits = 64 - duration.leading_zeros();
    let shift = bits.saturating_sub(CLASS_BITS + 1);
    ((shift << CLASS_BITS) + (duration >> shift) as u32) as u16
}

/// The duration in the middle of a class.
pub fn duration_of_class(class: u16) -> u64 {
    let class = u32::from(class);
    let shift = (class >> CLASS_BITS).saturating_sub(1);
    let start = u64::from(class - (shift << CLASS_BITS)).checked_shl(shift).unwrap_or(u64::MAX);
    start.saturating_add(1u64.checked_shl(shift).unwrap_or(u64::MAX) / 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_middle_of_its_class_is_near_a_duration(duration: u64) {
            let middle = duration_of_class(duration_class(duration));
            prop_assert!(middle.abs_diff(duration) as f64 <= duration as f64 / 64.0, "{middle}");
            prop_assert_eq!(duration_class(middle), duration_class(duration));
        }

        #[test]
        fn classes_are_in_the_order_of_durations(a: u64, b: u64) {
            prop_assert_eq!(duration_class(a.min(b)), duration_class(a).min(duration_class(b)));
        }

        #[test]
        fn any_number_is_read_as_some_duration(class: u16) {
            duration_of_class(class);
        }
    }

    #[test]
    fn short_durations_are_exact() {
        assert!((0..64).all(|duration| duration_of_class(duration_class(duration)) == duration));
        assert_eq!(duration_class(u64::MAX), 1919);
    }
}
