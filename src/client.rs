//! The client side of the command line: talks to a running server's native API.

use anyhow::{Context, bail};
use clap::Args;
use serde::de::DeserializeOwned;

/// Which server to ask, and as whom.
#[derive(Args, Clone, Debug)]
pub struct ServerArgs {
    /// The server's --http address
    #[arg(long, env = "TRACEWELL_SERVER", default_value = "http://127.0.0.1:4319", value_name = "URL")]
    pub server: String,
    /// The tenant
    #[arg(long, env = "TRACEWELL_TENANT", default_value = "default", value_name = "NAME")]
    pub tenant: String,
}

impl ServerArgs {
    /// The default tenant of the server at `url`.
    pub fn of(url: &str) -> ServerArgs {
        ServerArgs { server: url.to_owned(), tenant: "default".to_owned() }
    }
}

/// A connection to a server.
pub struct Client {
    http: reqwest::Client,
    base: String,
    tenant: String,
}

/// How the API reports an error.
#[derive(serde::Deserialize)]
struct ErrorBody {
    error: ErrorDetail,
}

#[derive(serde::Deserialize)]
struct ErrorDetail {
    message: String,
    position: Option<usize>,
}

/// Whether an answer is complete.
#[derive(Default, serde::Deserialize)]
pub struct Exactness {
    #[serde(default)]
    state: String,
    #[serde(default)]
    reason: String,
}

impl Exactness {
    /// Says on standard error why the answer is not complete, if it is not.
    pub fn warn(&self) {
        if self.state == "partial" {
            eprintln!("this answer is partial: {}", self.reason);
        }
    }
}

impl Client {
    /// For the server that `args` name.
    pub fn new(args: &ServerArgs) -> anyhow::Result<Client> {
        let base = if args.server.contains("://") { args.server.clone() } else { format!("http://{}", args.server) };
        Ok(Client {
            http: reqwest::Client::builder().build()?,
            base: base.trim_end_matches('/').to_owned(),
            tenant: args.tenant.clone(),
        })
    }

    /// Gets `path` (below `/api/v1`) with query parameters; an error of the API becomes an error here.
    pub async fn get(
        &self,
        path: &str,
        parameters: &[(&str, String)],
        accept: &str,
    ) -> anyhow::Result<reqwest::Response> {
        self.ask(reqwest::Method::GET, path, parameters, accept).await
    }

    /// Posts to `path` (below `/api/v1`) with query parameters; an error of the API becomes an error here.
    pub async fn post(&self, path: &str, parameters: &[(&str, String)]) -> anyhow::Result<reqwest::Response> {
        self.ask(reqwest::Method::POST, path, parameters, "application/json").await
    }

    /// As [`Client::post`], read as JSON.
    pub async fn post_json<T: DeserializeOwned>(&self, path: &str, parameters: &[(&str, String)]) -> anyhow::Result<T> {
        let body = self.post(path, parameters).await?.bytes().await?;
        serde_json::from_slice(&body).with_context(|| format!("unexpected answer from {}{path}", self.base))
    }

    async fn ask(
        &self,
        method: reqwest::Method,
        path: &str,
        parameters: &[(&str, String)],
        accept: &str,
    ) -> anyhow::Result<reqwest::Response> {
        let url = format!("{}/api/v1{path}", self.base);
        let response = self
            .http
            .request(method, &url)
            .query(parameters)
            .header("x-scope-orgid", &self.tenant)
            .header("accept", accept)
            .send()
            .await
            .with_context(|| format!("no answer from {}: is the server running there? (--server URL)", self.base))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = response.bytes().await.unwrap_or_default();
        let Ok(ErrorBody { error }) = serde_json::from_slice(&body) else {
            bail!("{url} answered {status}: {}", String::from_utf8_lossy(&body));
        };
        let query = parameters.iter().find(|(name, _)| *name == "q").map(|(_, text)| text.as_str());
        match (error.position, query) {
            (Some(position), Some(query)) => {
                bail!("{}\n  {query}\n  {}^", error.message, " ".repeat(columns(query, position)))
            }
            _ => bail!("{}", error.message),
        }
    }

    /// As [`Client::get`], read as JSON.
    pub async fn get_json<T: DeserializeOwned>(&self, path: &str, parameters: &[(&str, String)]) -> anyhow::Result<T> {
        let response = self.get(path, parameters, "application/json").await?;
        let body = response.bytes().await?;
        serde_json::from_slice(&body).with_context(|| format!("unexpected answer from {}{path}", self.base))
    }
}

/// How many characters stand before the byte `position`.
fn columns(text: &str, position: usize) -> usize {
    text.char_indices().take_while(|(byte, _)| *byte < position).count()
}
