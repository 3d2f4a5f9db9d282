//! Which pages may export from a browser (Fetch standard, "CORS protocol").

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// The origins whose pages may export.
#[derive(Clone, Debug, Default)]
pub struct AllowedOrigins {
    any: bool,
    exact: Vec<String>,
    /// What stands before and after the `*` of a pattern.
    patterns: Vec<(String, String)>,
}

/// Why a text is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no origin: expected \"*\", or a scheme and host without a path such as https://shop.example or \
     https://*.shop.example"
)]
pub struct InvalidOrigin(String);

/// The headers a page may send, besides all that start with `x-`.
const ALLOWED_HEADERS: [&str; 7] =
    ["content-type", "content-encoding", "authorization", "traceparent", "tracestate", "baggage", "user-agent"];

/// How long browsers may remember the answer to a preflight, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

impl AllowedOrigins {
    /// Checks the origins in the configuration.
    pub fn new(origins: &[String]) -> Result<AllowedOrigins, InvalidOrigin> {
        let mut allowed = AllowedOrigins::default();
        for origin in origins {
            let invalid = || InvalidOrigin(origin.clone());
            if origin == "*" {
                allowed.any = true;
                continue;
            }
            let (_, host) = origin.split_once("://").ok_or_else(invalid)?;
            if host.is_empty() || host.contains('/') || origin.contains(char::is_whitespace) {
                return Err(invalid());
            }
            let origin = origin.to_ascii_lowercase();
            match origin.split_once('*') {
                None => allowed.exact.push(origin),
                Some((before, after)) if before.ends_with("://") && after.starts_with('.') && !after.contains('*') => {
                    allowed.patterns.push((before.to_owned(), after.to_owned()));
                }
                Some(_) => return Err(invalid()),
            }
        }
        Ok(allowed)
    }

    /// Whether no origin at all is allowed.
    pub fn is_empty(&self) -> bool {
        !self.any && self.exact.is_empty() && self.patterns.is_empty()
    }

    /// Whether `origin` is on the list by name: then its pages may send credentials.
    fn names(&self, origin: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        let inside = |(before, after): &(String, String)| {
            origin.len() > before.len() + after.len()
                && origin.starts_with(before.as_str())
                && origin.ends_with(after.as_str())
                && !origin[before.len()..].contains(['/', '@'])
        };
        self.exact.contains(&origin) || self.patterns.iter().any(inside)
    }

    /// Whether a page of `origin` may export.
    pub fn allows(&self, origin: &HeaderValue) -> bool {
        self.any || origin.to_str().is_ok_and(|origin| self.names(origin))
    }

    /// Adds to an answer what lets a page of `origin` read it, if it may.
    pub fn permit_reading(&self, origin: &HeaderValue, answer: &mut HeaderMap) {
        if self.is_empty() {
            return;
        }
        answer.append(header::VARY, HeaderValue::from_static("Origin"));
        if !self.allows(origin) {
            return;
        }
        if origin.to_str().is_ok_and(|origin| self.names(origin)) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        } else {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        }
        // Without this, exporters in browsers do not see how long to wait.
        answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Retry-After"));
    }

    /// The headers of the answer to a preflight (but for those of [`Self::permit_reading`]).
    pub fn preflight(asked: &HeaderMap, answer: &mut HeaderMap) {
        let names: Vec<String> = asked
            .get_all(header::ACCESS_CONTROL_REQUEST_HEADERS)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|name| name.trim().to_ascii_lowercase())
            .filter(|name| HeaderName::from_bytes(name.as_bytes()).is_ok())
            .filter(|name| ALLOWED_HEADERS.contains(&name.as_str()) || name.starts_with("x-"))
            .collect();
        let names = if names.is_empty() { ALLOWED_HEADERS.join(", ") } else { names.join(", ") };
        if let Ok(names) = HeaderValue::from_str(&names) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names);
        }
        answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
        answer.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(list: &[&str]) -> AllowedOrigins {
        let list: Vec<String> = list.iter().map(ToString::to_string).collect();
        AllowedOrigins::new(&list).expect("valid origins")
    }

    #[test]
    fn only_listed_origins_are_allowed() {
        let allowed = origins(&["https://shop.example", "https://*.corp.example:8443"]);
        let allows = |origin: &'static str| allowed.allows(&HeaderValue::from_static(origin));
        assert!(allows("https://shop.example") && allows("https://SHOP.example"));
        assert!(allows("https://a.b.corp.example:8443"));
        for other in [
            "http://shop.example",
            "https://shop.example.evil",
            "https://corp.example:8443",
            "https://x@.corp.example:8443",
            "null",
        ] {
            assert!(!allows(other), "{other}");
        }
        assert!(!origins(&[]).allows(&HeaderValue::from_static("https://shop.example")));
    }

    #[test]
    fn any_origin_never_has_credentials() {
        let mut answer = HeaderMap::new();
        origins(&["*"]).permit_reading(&HeaderValue::from_static("https://x.example"), &mut answer);
        assert_eq!(answer["access-control-allow-origin"], "*");
        assert!(!answer.contains_key("access-control-allow-credentials"));
    }

    #[test]
    fn what_is_no_origin_is_refused_with_an_example() {
        for text in ["shop.example", "https://shop.example/", "https://sh*p.example", "https://", "https://*.*.example"]
        {
            let error = AllowedOrigins::new(&[text.to_owned()]).expect_err(text);
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }
}
