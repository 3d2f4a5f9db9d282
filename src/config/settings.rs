//! The settings: one table from which come the flags, the variables, the file's keys and [`Config`].

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::value::{ByteCount, SettingValue};
use super::{ConfigError, Given};

/// What is known of a setting besides its value.
pub struct Setting {
    /// Its one name.
    pub name: &'static str,
    /// One line.
    pub help: &'static str,
    /// The kind of value, for `--help`.
    pub value_name: &'static str,
    /// Whether `--flag` alone means true.
    pub is_switch: bool,
    /// The default as text.
    pub default: fn() -> String,
}

macro_rules! settings {
    ($($(#[doc = $help:literal])+ $name:ident: $type:ty = $default:expr, $value_name:literal;)*) => {
        /// All settings, checked one by one. See [`Config::validate`] for what they mean together.
        #[derive(Clone, Debug)]
        pub struct Config { $($(#[doc = $help])+ pub $name: $type,)* }

        /// The table of settings.
        pub const SETTINGS: &[Setting] = &[$(Setting {
            name: stringify!($name),
            help: concat!($($help),+).trim_ascii(),
            value_name: $value_name,
            is_switch: matches!($value_name.as_bytes(), b"BOOL"),
            default: || { let value: $type = $default; value.write() },
        }),*];

        impl Config {
            /// Reads what was given and fills in the defaults.
            pub fn from_given(given: &Given) -> Result<Config, ConfigError> {
                Ok(Config { $($name: match given.get(stringify!($name)) {
                    Some((text, source)) => SettingValue::read(text).map_err(|reason| ConfigError::Value {
                        name: stringify!($name),
                        value: text.clone(),
                        source_name: source.to_string(),
                        reason,
                    })?,
                    None => $default,
                }),* })
            }

            /// Every setting with its value, as text.
            pub fn to_texts(&self) -> Vec<(&'static str, String)> {
                vec![$((stringify!($name), self.$name.write())),*]
            }
        }
    };
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

const DAY: Duration = Duration::from_secs(86_400);

settings! {
    /// Directory of journal, catalog and segments; made when it is not there
    data_dir: PathBuf = PathBuf::from("tracewell-data"), "DIR";
    /// Address of OTLP/gRPC
    otlp_grpc: SocketAddr = loopback(4317), "ADDR";
    /// Address of OTLP/HTTP
    otlp_http: SocketAddr = loopback(4318), "ADDR";
    /// Address of the web UI, the API, Zipkin, health and metrics
    http: SocketAddr = loopback(4319), "ADDR";
    /// Listen on addresses that other machines can reach although nobody has to log in
    allow_unauthenticated: bool = false, "BOOL";
    /// Origins of web pages that may send OTLP, separated by commas; none by default
    cors_allowed_origins: Vec<String> = Vec::new(), "ORIGINS";
    /// Names besides localhost under which people open http, where it is on loopback; others are refused against DNS rebinding
    allowed_hosts: Vec<String> = Vec::new(), "HOSTS";
    /// A path before /v1/traces and /v1/logs of OTLP/HTTP that is accepted too, such as /otlp
    http_path_prefix: String = String::new(), "PATH";
    /// The largest request that is accepted, before and after decompression
    request_bytes_max: ByteCount = ByteCount(64 << 20), "BYTES";
    /// All requests together that may be in memory before they are stored
    inflight_bytes_max: ByteCount = ByteCount(256 << 20), "BYTES";
    /// How long a request waits for its share of inflight_bytes_max before its sender is told to try again
    admission_wait_max: Duration = Duration::from_secs(2), "DURATION";
    /// Connections of senders at a time; more are closed at once
    connections_max: usize = 20_000, "COUNT";
    /// Exports in progress on one HTTP/2 connection; more wait
    connection_streams_max: u32 = 256, "COUNT";
    /// Close connections of senders gracefully at this age, so that they spread over new instances
    connection_age_max: Option<Duration> = None, "DURATION";
    /// Close connections of senders on which nothing happens for this long
    connection_idle_timeout: Duration = Duration::from_secs(120), "DURATION";
    /// How long the headers of a sender's request may take
    request_header_timeout: Duration = Duration::from_secs(10), "DURATION";
    /// How long the body of a sender's request may take
    request_body_timeout: Duration = Duration::from_secs(120), "DURATION";
    /// Write a table of the live tier to a segment when its oldest record has waited this long
    flush_interval: Duration = Duration::from_secs(30), "DURATION";
    /// Write a table of the live tier to a segment when it holds this many bytes
    flush_bytes: ByteCount = ByteCount(64 << 20), "BYTES";
    /// Refuse records (senders try again) while the live tier holds this many bytes
    live_bytes_max: ByteCount = ByteCount(384 << 20), "BYTES";
    /// Refuse records (senders try again) while the journal takes this many bytes on disk
    journal_bytes_max: ByteCount = ByteCount(8 << 30), "BYTES";
    /// The size of a journal file, whose space is reserved when it is made; less on a small disk
    journal_file_bytes: ByteCount = ByteCount(64 << 20), "BYTES";
    /// Refuse records (senders try again) while the disk has less left; on a small disk a twentieth of it
    disk_reserve_bytes: ByteCount = ByteCount(256 << 20), "BYTES";
    /// Refuse the requests of further tenants when there are this many
    tenants_max: usize = 1_000, "COUNT";
    /// How often to look for segments to merge
    compaction_interval: Duration = Duration::from_secs(10), "DURATION";
    /// The most rows of a merged segment
    segment_rows_max: usize = 2_000_000, "COUNT";
    /// How long merged or expired segments stay on disk for queries that still read them
    deletion_grace: Duration = Duration::from_secs(120), "DURATION";
    /// Keep spans this long
    traces_age_max: Option<Duration> = Some(14 * DAY), "DURATION";
    /// Keep log records this long
    logs_age_max: Option<Duration> = Some(14 * DAY), "DURATION";
    /// Keep at most this many bytes of spans for each tenant, the newest
    traces_bytes_max: Option<ByteCount> = None, "BYTES";
    /// Keep at most this many bytes of log records for each tenant, the newest
    logs_bytes_max: Option<ByteCount> = None, "BYTES";
    /// Stop a query that takes longer
    query_deadline: Duration = Duration::from_secs(30), "DURATION";
    /// Memory for all running queries together
    query_bytes_max: ByteCount = ByteCount(512 << 20), "BYTES";
    /// Queries that run at the same time; more wait
    query_concurrency_max: usize = 8, "COUNT";
    /// What to log: error, warn, info, debug, trace, or directives such as tracewell_storage=debug
    log: String = "info".to_owned(), "LEVEL";
    /// Write the log as JSON lines
    log_json: bool = false, "BOOL";
}

impl SettingValue for String {
    fn read(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
    fn write(&self) -> String {
        self.clone()
    }
}
