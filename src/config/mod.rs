//! Configuration: what the user said ([`Given`]) and what it means ([`Config`]).
//!
//! Every setting has one name: `otlp_grpc` in the YAML file, `--otlp-grpc` on the command line, `TRACEWELL_OTLP_GRPC` in
//! the environment. The command line wins over the environment, that over the file, that over the default.

mod given;
mod parts;
mod settings;
mod value;

pub use given::{Given, GivenArgs, Source};
pub use settings::{Config, SETTINGS};

use std::net::SocketAddr;

use value::ByteCount;

/// How many times the largest request must fit into the memory for requests.
const INFLIGHT_FACTOR: u64 = 3;

/// Why a configuration is not usable. Says which setting, where it was given, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A name that is no setting.
    #[error("unknown setting {name:?} in {source_name}{}", nearest(suggestion))]
    Unknown {
        /// As written.
        name: String,
        /// Where.
        source_name: String,
        /// The name that may have been meant, as it is written there.
        suggestion: Option<String>,
    },
    /// A value that the setting does not take.
    #[error("{name} = {value:?} ({source_name}): {reason}")]
    Value {
        /// The setting.
        name: &'static str,
        /// As written.
        value: String,
        /// Where.
        source_name: String,
        /// What was expected.
        reason: String,
    },
    /// The file could not be read.
    #[error("could not read the configuration file {path}: {reason}")]
    File {
        /// As given.
        path: String,
        /// What happened.
        reason: String,
    },
    /// Settings that do not go together.
    #[error("{0}")]
    Combination(String),
}

fn nearest(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map(|name| format!("; did you mean {name:?}?")).unwrap_or_default()
}

impl Config {
    /// Checks what goes beyond single settings.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let public: Vec<String> = [("otlp_grpc", self.otlp_grpc), ("otlp_http", self.otlp_http), ("http", self.http)]
            .iter()
            .filter(|(_, address)| !is_loopback(address))
            .map(|(name, address)| format!("{name} = {address}"))
            .collect();
        if !public.is_empty() && !self.allow_unauthenticated {
            return Err(ConfigError::Combination(format!(
                "{} can be reached from other machines, and there is no authentication: listen on 127.0.0.1, put an \
                 authenticating proxy in front, or accept it with allow_unauthenticated",
                public.join(", ")
            )));
        }
        self.validate_sizes()?;
        self.validate_limits()
    }

    fn validate_sizes(&self) -> Result<(), ConfigError> {
        let not_larger = [
            ("flush_bytes", self.flush_bytes, "live_bytes_max", self.live_bytes_max),
            ("journal_file_bytes", self.journal_file_bytes, "journal_bytes_max", self.journal_bytes_max),
        ];
        for (name, value, limit_name, limit) in not_larger {
            if value > limit {
                return Err(ConfigError::Combination(format!(
                    "{name} ({value}) must not be larger than {limit_name} ({limit})"
                )));
            }
        }
        let needed = ByteCount(self.request_bytes_max.0.saturating_mul(INFLIGHT_FACTOR));
        if self.inflight_bytes_max < needed {
            return Err(ConfigError::Combination(format!(
                "inflight_bytes_max ({}) must be at least {INFLIGHT_FACTOR} times request_bytes_max ({}), which is {needed}: \
                 a request is held as sent, decompressed and decoded at once; raise the one or lower the other",
                self.inflight_bytes_max, self.request_bytes_max
            )));
        }
        Ok(())
    }

    fn validate_limits(&self) -> Result<(), ConfigError> {
        let zero = [
            ("connections_max", self.connections_max == 0),
            ("connection_streams_max", self.connection_streams_max == 0),
            ("tenants_max", self.tenants_max == 0),
            ("query_concurrency_max", self.query_concurrency_max == 0),
            ("request_bytes_max", self.request_bytes_max.0 == 0),
            ("connection_idle_timeout", self.connection_idle_timeout.is_zero()),
            ("request_header_timeout", self.request_header_timeout.is_zero()),
            ("request_body_timeout", self.request_body_timeout.is_zero()),
        ];
        match zero.iter().find(|(_, is_zero)| *is_zero) {
            Some((name, _)) => {
                Err(ConfigError::Combination(format!("{name} must be more than 0, else nothing would be accepted")))
            }
            None => Ok(()),
        }
    }
}

fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> Given {
        let mut given = Given::default();
        for (name, value) in pairs {
            given.set(name, value, Source::Flag).expect("a setting");
        }
        given
    }

    #[test]
    fn defaults_are_valid_and_loopback() {
        let config = Config::from_given(&Given::default()).expect("valid");
        config.validate().expect("valid");
        assert_eq!(config.otlp_grpc.to_string(), "127.0.0.1:4317");
    }

    #[test]
    fn a_public_address_needs_consent() {
        let config = Config::from_given(&given(&[("http", "0.0.0.0:4319")])).expect("valid");
        let error = config.validate().expect_err("refused").to_string();
        assert!(error.contains("http = 0.0.0.0:4319") && error.contains("allow_unauthenticated"), "{error}");
        let config = Config::from_given(&given(&[("http", "0.0.0.0:4319"), ("allow_unauthenticated", "true")]));
        config.expect("valid").validate().expect("accepted");
    }

    #[test]
    fn settings_that_do_not_go_together_are_refused_with_a_way_out() {
        let refused = |pairs: &[(&str, &str)]| {
            Config::from_given(&given(pairs)).expect("valid alone").validate().expect_err("refused").to_string()
        };
        let error = refused(&[("inflight_bytes_max", "100MiB")]);
        assert!(
            error.contains("100MiB") && error.contains("request_bytes_max (64MiB)") && error.contains("192MiB"),
            "{error}"
        );
        assert!(refused(&[("journal_bytes_max", "1MiB")]).contains("journal_file_bytes (64MiB)"));
        assert!(refused(&[("live_bytes_max", "1MiB")]).contains("flush_bytes (64MiB)"));
        assert!(refused(&[("tenants_max", "0")]).starts_with("tenants_max must be more than 0"));
    }

    #[test]
    fn the_manual_lists_every_setting_as_it_is() {
        let manual = include_str!("../../docs/operating.md");
        let table = manual.lines().filter(|line| line.starts_with("| `") && line.matches('|').count() == 4);
        let listed: Vec<&str> = table.filter(|line| line.matches('`').count() == 4).collect();
        let expected: Vec<String> = SETTINGS
            .iter()
            .map(|setting| format!("| `{}` | `{}` | {} |", setting.name, shown((setting.default)()), setting.help))
            .collect();
        assert_eq!(listed.join("\n"), expected.join("\n"), "copy the right side into docs/operating.md");
    }

    fn shown(default: String) -> String {
        if default.is_empty() { "\"\"".to_owned() } else { default }
    }

    #[test]
    fn unknown_names_lead_to_the_nearest_setting() {
        let error = Given::default().set("otlp_grcp", "1", Source::File("t.yaml".into())).expect_err("unknown");
        assert_eq!(error.to_string(), "unknown setting \"otlp_grcp\" in t.yaml; did you mean \"otlp_grpc\"?");
    }

    #[test]
    fn a_bad_value_names_setting_value_and_place() {
        let error = Config::from_given(&given(&[("flush_interval", "soon")])).expect_err("bad").to_string();
        assert!(error.starts_with("flush_interval = \"soon\" (command line): expected a duration"), "{error}");
    }

    #[test]
    fn flags_win_over_environment_over_file() {
        let mut given = Given::default();
        given.set("http", "127.0.0.1:1", Source::File("f".into())).expect("set");
        given.set("http", "127.0.0.1:2", Source::Environment).expect("set");
        given.set("http", "127.0.0.1:3", Source::File("f".into())).expect("set");
        assert_eq!(Config::from_given(&given).expect("valid").http.port(), 2);
        given.set("http", "127.0.0.1:4", Source::Flag).expect("set");
        assert_eq!(Config::from_given(&given).expect("valid").http.port(), 4);
    }
}
