//! What the commands that list something take: the query and the time range.

use clap::Args;

/// What to list.
#[derive(Args, Clone, Debug)]
pub struct ListingArgs {
    /// What to find, in the search language: service:checkout duration>500ms, severity>=warn timeout
    #[arg(default_value = "")]
    query: Vec<String>,
    /// Since when: now-1h, an RFC 3339 time, Unix seconds
    #[arg(long, default_value = "now-1h")]
    pub start: String,
    /// Until when
    #[arg(long, default_value = "now")]
    pub end: String,
}

impl ListingArgs {
    /// The query as one text.
    pub fn query(&self) -> String {
        self.query.join(" ")
    }

    /// The parameters of the API for a page that ends at `end`.
    pub fn parameters(&self, end: &str, limit: usize) -> [(&'static str, String); 4] {
        let (q, limit) = (self.query(), limit.to_string());
        [("q", q), ("start", self.start.clone()), ("end", end.to_owned()), ("limit", limit)]
    }
}
