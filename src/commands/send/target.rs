//! Which server files are sent to: an OTLP endpoint, or a server whose API tells its endpoint.

use anyhow::Context;
use clap::Args;
use serde::Deserialize;

use crate::client::{Client, ServerArgs};

const DEFAULT: &str = "http://127.0.0.1:4318";
/// What OpenTelemetry SDKs read, too.
const ENDPOINT_VARIABLE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const SERVER_VARIABLE: &str = "TRACEWELL_SERVER";

/// Where to send, and as whom.
#[derive(Args, Clone, Debug)]
pub struct TargetArgs {
    /// The server's OTLP/HTTP address [env: OTEL_EXPORTER_OTLP_ENDPOINT=] [default: http://127.0.0.1:4318]
    #[arg(long, value_name = "URL", conflicts_with = "server")]
    endpoint: Option<String>,
    /// Instead: the server's --http address, as for other commands; it is asked for its OTLP/HTTP port [env: TRACEWELL_SERVER=]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// The tenant
    #[arg(long, env = "TRACEWELL_TENANT", default_value = "default", value_name = "NAME")]
    pub tenant: String,
}

/// What was said, the strongest first: flags before variables.
#[derive(Debug, PartialEq)]
enum Target {
    Endpoint(String),
    Server(String),
}

#[derive(Deserialize)]
struct Status {
    addresses: Addresses,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Addresses {
    otlp_http: String,
}

impl TargetArgs {
    /// The URL of OTLP/HTTP, without a path of a signal.
    pub async fn endpoint(&self) -> anyhow::Result<String> {
        match self.target(|name| std::env::var(name).ok().filter(|value| !value.is_empty())) {
            Target::Endpoint(url) => Ok(url.trim_end_matches('/').to_owned()),
            Target::Server(url) => {
                let args = ServerArgs { server: url.clone(), tenant: self.tenant.clone() };
                let status: Status = Client::new(&args)?.get_json("/status", &[]).await?;
                beside(&url, &status.addresses.otlp_http)
            }
        }
    }

    fn target(&self, variable: impl Fn(&str) -> Option<String>) -> Target {
        match (&self.endpoint, &self.server) {
            (Some(url), _) => Target::Endpoint(url.clone()),
            (None, Some(url)) => Target::Server(url.clone()),
            (None, None) => match (variable(ENDPOINT_VARIABLE), variable(SERVER_VARIABLE)) {
                (Some(url), _) => Target::Endpoint(url),
                (None, Some(url)) => Target::Server(url),
                (None, None) => Target::Endpoint(DEFAULT.to_owned()),
            },
        }
    }
}

/// The port of OTLP/HTTP on the host of the API: the address that a server listens on is often none to connect to.
fn beside(server: &str, otlp_http: &str) -> anyhow::Result<String> {
    let port = otlp_http.rsplit(':').next().and_then(|port| port.parse().ok());
    let port: u16 = port.with_context(|| format!("the server at {server} says that OTLP/HTTP is at {otlp_http:?}"))?;
    let server = if server.contains("://") { server.to_owned() } else { format!("http://{server}") };
    let url = reqwest::Url::parse(&server).with_context(|| format!("--server {server:?} is no URL"))?;
    let host = url.host_str().with_context(|| format!("--server {server:?} names no host"))?;
    Ok(format!("http://{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(endpoint: Option<&str>, server: Option<&str>) -> TargetArgs {
        let owned = |text: Option<&str>| text.map(ToOwned::to_owned);
        TargetArgs { endpoint: owned(endpoint), server: owned(server), tenant: "default".to_owned() }
    }

    #[test]
    fn flags_win_over_variables_over_the_default() {
        let none = |_: &str| None;
        let both = |name: &str| Some(format!("http://{}", name.to_lowercase()));
        let only_server = |name: &str| (name == SERVER_VARIABLE).then(|| "http://s".to_owned());
        let endpoint = |url: &str| Target::Endpoint(url.to_owned());
        assert_eq!(args(None, None).target(none), endpoint(DEFAULT));
        assert_eq!(args(None, None).target(both), endpoint("http://otel_exporter_otlp_endpoint"));
        assert_eq!(args(None, None).target(only_server), Target::Server("http://s".to_owned()));
        assert_eq!(args(None, Some("http://f")).target(both), Target::Server("http://f".to_owned()));
        assert_eq!(args(Some("http://f"), None).target(both), endpoint("http://f"));
    }

    #[test]
    fn the_endpoint_is_on_the_host_of_the_api() {
        let found = |server, otlp| beside(server, otlp).expect("a URL");
        assert_eq!(found("http://127.0.0.1:4319", "127.0.0.1:4318"), "http://127.0.0.1:4318");
        assert_eq!(found("http://traces.example:4319/prefix/", "0.0.0.0:9"), "http://traces.example:9");
        assert_eq!(found("localhost:4319", "[::]:4318"), "http://localhost:4318");
        assert_eq!(found("http://[::1]:4319", "[::1]:4318"), "http://[::1]:4318");
        assert!(beside("http://a", "nowhere").is_err());
    }
}
