//! Which names people may open the web UI and API by (against DNS rebinding).
//!
//! A page of any site can let its own name lead to 127.0.0.1 and would then be of one origin with a server there. The name
//! in the request still is the site's: on loopback, where nobody has to log in, only names that lead nowhere else are
//! answered.

use std::net::{IpAddr, SocketAddr};

use axum::extract::Request;
use axum::http::header::HOST;
use axum::http::{StatusCode, uri::Authority};
use axum::response::{IntoResponse, Response};

/// The names that are answered.
#[derive(Clone, Debug)]
pub struct AllowedHosts {
    listed: Vec<String>,
    /// Any name is, when other machines are meant to reach the server: there, who set it up decides who can.
    any: bool,
}

impl AllowedHosts {
    /// Of a server that listens at `address`, with the names in the configuration.
    pub fn new(address: SocketAddr, listed: &[String]) -> AllowedHosts {
        let listed: Vec<String> = listed.iter().map(|name| name.to_ascii_lowercase()).collect();
        AllowedHosts { any: !address.ip().is_loopback() && listed.is_empty(), listed }
    }

    /// `None`: the request may go on.
    pub fn refusal(&self, request: &Request) -> Option<Response> {
        let named = request.uri().authority().map(|authority| authority.as_str().to_owned());
        let header = || request.headers().get(HOST).map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
        // Only browsers matter here, and they always say a name.
        let host = named.or_else(header)?;
        if self.allows(&host) {
            return None;
        }
        let shown: String = host.chars().take(100).collect();
        let message = format!(
            "the name {shown:?} is not one of this server's: use localhost or an IP address, or add it to allowed_hosts"
        );
        let body = axum::Json(serde_json::json!({ "error": { "code": "host_not_allowed", "message": message } }));
        Some((StatusCode::FORBIDDEN, body).into_response())
    }

    fn allows(&self, host: &str) -> bool {
        if self.any {
            return true;
        }
        let Ok(authority) = host.parse::<Authority>() else { return false };
        let name = authority.host().to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        let literal = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
        name == "localhost"
            || name.ends_with(".localhost")
            || literal.parse::<IpAddr>().is_ok()
            || self.listed.iter().any(|listed| listed == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(address: &str, listed: &[&str]) -> AllowedHosts {
        let listed: Vec<String> = listed.iter().map(ToString::to_string).collect();
        AllowedHosts::new(address.parse().expect("an address"), &listed)
    }

    #[test]
    fn on_loopback_only_names_that_lead_nowhere_else_are_answered() {
        let hosts = hosts("127.0.0.1:4319", &["Tracewell.Corp.Example"]);
        for host in [
            "localhost",
            "localhost:4319",
            "LOCALHOST.",
            "ui.localhost:4319",
            "127.0.0.1:4319",
            "192.168.1.7",
            "[::1]:4319",
            "tracewell.corp.example:443",
        ] {
            assert!(hosts.allows(host), "{host}");
        }
        for host in
            ["evil.example", "localhost.evil.example:4319", "127.0.0.1.evil.example", "xlocalhost", "", "a b", "[::1"]
        {
            assert!(!hosts.allows(host), "{host}");
        }
    }

    #[test]
    fn on_public_addresses_any_name_is_unless_some_are_listed() {
        assert!(hosts("0.0.0.0:4319", &[]).allows("tracewell.corp.example"));
        assert!(!hosts("0.0.0.0:4319", &["tracewell.corp.example"]).allows("evil.example"));
    }
}
