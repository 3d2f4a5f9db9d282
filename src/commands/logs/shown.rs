//! What is on the screen already, when a live tail begins where a page ends.

use std::collections::HashMap;

use serde_json::Value;

/// The records of a page. A tail that was opened before the page was asked for brings those again that were stored in between.
#[derive(Default)]
pub struct Shown(HashMap<String, Vec<Value>>);

impl Shown {
    /// That these are on the screen.
    pub fn new(records: &[Value]) -> Shown {
        let mut shown = Shown::default();
        for record in records {
            shown.0.entry(time(record)).or_default().push(record.clone());
        }
        shown
    }

    /// Whether the record is one of them. Each is so once: the same record stored again is another one.
    pub fn take(&mut self, record: &Value) -> bool {
        let Some(same_time) = self.0.get_mut(&time(record)) else { return false };
        let Some(place) = same_time.iter().position(|known| known == record) else { return false };
        same_time.swap_remove(place);
        true
    }
}

fn time(record: &Value) -> String {
    record["timestamp"].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_of_the_page_is_known_once_whatever_the_order_of_its_attributes() {
        let first = json!({"timestamp": "1", "body": "a", "attributes": {"x": 1, "y": 2}});
        let again = serde_json::from_str(r#"{"attributes": {"y": 2, "x": 1}, "body": "a", "timestamp": "1"}"#);
        let again: Value = again.expect("a record");
        let mut shown = Shown::new(&[first.clone(), first.clone()]);
        assert!(shown.take(&again) && shown.take(&again));
        assert!(!shown.take(&again));
    }

    #[test]
    fn records_that_differ_in_anything_are_new() {
        let mut shown = Shown::new(&[json!({"timestamp": "1", "body": "a"})]);
        assert!(!shown.take(&json!({"timestamp": "1", "body": "b"})));
        assert!(!shown.take(&json!({"timestamp": "2", "body": "a"})));
    }
}
