//! Questions to the native API.

use anyhow::{Context, ensure};
use serde_json::Value;

/// A client of the native API, for one tenant.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
}

impl Api {
    /// For the server at `base`.
    pub fn new(base: &str) -> Api {
        Api { http: reqwest::Client::new(), base: format!("{base}/api/v1") }
    }

    /// `GET path?parameters` as JSON; anything but success is an error.
    pub async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> anyhow::Result<Value> {
        let response = self.http.get(format!("{}{path}", self.base)).query(parameters).send().await?;
        let status = response.status();
        let text = response.text().await?;
        ensure!(status.is_success(), "GET {path} {parameters:?} answered {status}: {text}");
        serde_json::from_str(&text).with_context(|| format!("GET {path} answered no JSON: {text}"))
    }

    /// `GET path` with an `Accept` header, as bytes.
    pub async fn get_bytes(&self, path: &str, accept: &str) -> anyhow::Result<Vec<u8>> {
        let response = self.http.get(format!("{}{path}", self.base)).header("accept", accept).send().await?;
        let status = response.status();
        let body = response.bytes().await?;
        ensure!(status.is_success(), "GET {path} answered {status}: {}", String::from_utf8_lossy(&body));
        Ok(body.to_vec())
    }

    /// `POST path` with an empty body; anything but success is an error.
    pub async fn post(&self, path: &str) -> anyhow::Result<()> {
        let response = self.http.post(format!("{}{path}", self.base)).send().await?;
        let status = response.status();
        ensure!(status.is_success(), "POST {path} answered {status}: {}", response.text().await?);
        Ok(())
    }

    /// All items of a list, page by page.
    pub async fn all(&self, path: &str, list: &str, parameters: &[(&str, &str)]) -> anyhow::Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut with_cursor = parameters.to_vec();
            if let Some(cursor) = &cursor {
                with_cursor.push(("cursor", cursor));
            }
            let page = self.get(path, &with_cursor).await?;
            items.extend(page[list].as_array().with_context(|| format!("{path} has no {list}"))?.iter().cloned());
            match page["nextCursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok(items),
            }
        }
    }
}
