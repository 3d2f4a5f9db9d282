//! Log lines that say a thing once per client, not once per request.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How many clients and topics are remembered.
const REMEMBERED_MAX: usize = 4096;

/// What was said to the log about which client, and when.
#[derive(Debug, Default)]
pub struct Notices {
    said: Mutex<HashMap<(Option<IpAddr>, &'static str), Instant>>,
}

impl Notices {
    /// Whether `topic` should be logged for `client` now: it was not in the last `period` (`None`: it never was).
    pub fn is_due(&self, client: Option<IpAddr>, topic: &'static str, period: Option<Duration>) -> bool {
        let now = Instant::now();
        let mut said = self.said.lock();
        if let Some(last) = said.get_mut(&(client, topic)) {
            let due = period.is_some_and(|period| now.duration_since(*last) >= period);
            if due {
                *last = now;
            }
            return due;
        }
        if said.len() >= REMEMBERED_MAX {
            // So many clients: rather repeat a line than grow.
            said.clear();
        }
        said.insert((client, topic), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_said_once_per_client() {
        let notices = Notices::default();
        let (a, b) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let asked = [(a, "metrics"), (a, "metrics"), (b, "metrics"), (a, "profiles")];
        let due = asked.map(|(client, topic)| notices.is_due(Some(client), topic, None));
        assert_eq!(due, [true, false, true, true]);
        assert!(notices.is_due(Some(a), "metrics", Some(Duration::ZERO)));
    }
}
