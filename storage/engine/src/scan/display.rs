//! Values as text for people.

use std::borrow::Cow;

use tracewell_model::Value;

/// The value as text: scalars written plainly, bytes in base64, arrays and lists as JSON. None where there is no value.
pub(crate) fn display(value: Value<'_>) -> Option<Cow<'_, str>> {
    match value {
        Value::Absent | Value::Empty => None,
        value => Some(tracewell_otlp::display_value(value)),
    }
}
