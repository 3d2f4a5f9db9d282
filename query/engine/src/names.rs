//! The names of span kinds, status codes and severities.

/// Names of span kinds by `SpanKind`.
const KINDS: [&str; 6] = ["unspecified", "internal", "server", "client", "producer", "consumer"];
/// Names of status codes by `Status.code`.
const STATUSES: [&str; 3] = ["unset", "ok", "error"];
/// Names of severities; each stands for four numbers from 1 on.
const SEVERITIES: [&str; 6] = ["trace", "debug", "info", "warn", "error", "fatal"];

/// The kind with this name or number.
pub(crate) fn kind_number(text: &str) -> Option<i64> {
    number_of(&KINDS, text)
}

/// The name of a kind, or its number.
pub(crate) fn kind_name(number: i32) -> String {
    name_of(&KINDS, number)
}

/// The status code with this name or number.
pub(crate) fn status_number(text: &str) -> Option<i64> {
    number_of(&STATUSES, text)
}

/// The name of a status code, or its number.
pub(crate) fn status_name(number: i32) -> String {
    name_of(&STATUSES, number)
}

fn number_of(names: &[&str], text: &str) -> Option<i64> {
    match names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
        Some(number) => Some(number as i64),
        None => text.parse::<i32>().ok().map(i64::from),
    }
}

fn name_of(names: &[&str], number: i32) -> String {
    let name = usize::try_from(number).ok().and_then(|number| names.get(number));
    name.map_or_else(|| number.to_string(), |name| (*name).to_owned())
}

/// The names that a query for a kind may use, for error messages.
pub(crate) const KIND_NAMES: &str = "server, client, producer, consumer, internal, unspecified or a number";
/// The names that a query for a status may use, for error messages.
pub(crate) const STATUS_NAMES: &str = "ok, error, unset or a number";

/// The severity numbers that a name stands for, both inclusive: `warn` for 13 to 16, `warn2` for 14.
pub(crate) fn severity_numbers(text: &str) -> Option<(i64, i64)> {
    let text = text.to_ascii_lowercase();
    let (name, variant) = match text.strip_suffix(['1', '2', '3', '4']) {
        Some(name) => (name, text.bytes().last().map(|digit| i64::from(digit - b'1'))),
        None => (text.as_str(), None),
    };
    let first = 1 + 4 * SEVERITIES.iter().position(|known| *known == name)? as i64;
    Some(match variant {
        Some(variant) => (first + variant, first + variant),
        None => (first, first + 3),
    })
}

/// The class of a severity number: 0 for unset and undefined ones, else one more than the place in the severities.
pub(crate) fn severity_class(number: i32) -> usize {
    match number {
        1..=24 => (number as usize - 1) / 4 + 1,
        _ => 0,
    }
}

/// The name of a severity number as facets and lists show it: `warn`, or the number where there is no name.
pub(crate) fn severity_name(number: i32) -> String {
    match (severity_class(number), number) {
        (0, 0) => "unset".to_owned(),
        (0, _) => number.to_string(),
        (class, _) => SEVERITIES[class - 1].to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severity_names_stand_for_four_numbers_and_variants_for_one() {
        assert_eq!(severity_numbers("WARN"), Some((13, 16)));
        assert_eq!(severity_numbers("warn2"), Some((14, 14)));
        assert_eq!(severity_numbers("fatal4"), Some((24, 24)));
        assert_eq!(severity_numbers("warn5"), None);
        assert_eq!(severity_numbers("4"), None);
        assert_eq!((severity_class(24), severity_class(25), severity_class(-1)), (6, 0, 0));
        assert_eq!(severity_name(13), "warn");
    }

    #[test]
    fn kinds_and_statuses_have_names_and_numbers() {
        assert_eq!((kind_number("server"), kind_number("7"), kind_number("x")), (Some(2), Some(7), None));
        assert_eq!((kind_name(5), kind_name(-1)), ("consumer".to_owned(), "-1".to_owned()));
        assert_eq!((status_number("ERROR"), status_name(2)), (Some(2), "error".to_owned()));
    }
}
