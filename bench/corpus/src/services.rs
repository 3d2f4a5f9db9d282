//! The services of the shop: what they are written in, how many pods they have, how they log.

/// What a service is written in; it decides how its stack traces look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Go,
    Java,
    Node,
    Python,
    Dotnet,
    Rust,
}

impl Language {
    /// As in `telemetry.sdk.language`.
    pub fn name(self) -> &'static str {
        match self {
            Language::Go => "go",
            Language::Java => "java",
            Language::Node => "nodejs",
            Language::Python => "python",
            Language::Dotnet => "dotnet",
            Language::Rust => "rust",
        }
    }
}

/// How a service writes its log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// The message and nothing else.
    Plain,
    /// `level=info msg="..." key=value`.
    Logfmt,
    /// A JSON object in a string.
    Json,
    /// As `Json`, with the time in it.
    TimedJson,
    /// An OTLP key-value list.
    Structured,
}

/// A service.
pub struct Service {
    pub name: &'static str,
    pub language: Language,
    pub style: Style,
    pub pods: u64,
    /// The instrumentation scope of its spans.
    pub scope: &'static str,
    pub version: &'static str,
}

/// Services, by the number in [`Operation::service`](crate::operation::Operation::service).
#[rustfmt::skip]
pub const SERVICES: [Service; 16] = [
    Service { name: "storefront", language: Language::Node, style: Style::TimedJson, pods: 12, scope: "@opentelemetry/instrumentation-http", version: "3.18.2" },
    Service { name: "identity", language: Language::Go, style: Style::Logfmt, pods: 6, scope: "go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc", version: "2.4.0" },
    Service { name: "catalog", language: Language::Go, style: Style::Json, pods: 8, scope: "go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc", version: "5.2.11" },
    Service { name: "search", language: Language::Java, style: Style::Plain, pods: 6, scope: "io.opentelemetry.spring-webmvc-6.0", version: "2025.41.3" },
    Service { name: "pricing", language: Language::Rust, style: Style::Logfmt, pods: 8, scope: "pricing::rpc", version: "0.31.7" },
    Service { name: "recommendation", language: Language::Python, style: Style::Plain, pods: 5, scope: "opentelemetry.instrumentation.grpc", version: "1.9.0" },
    Service { name: "cart", language: Language::Dotnet, style: Style::Plain, pods: 6, scope: "OpenTelemetry.Instrumentation.AspNetCore", version: "4.4.1" },
    Service { name: "checkout", language: Language::Go, style: Style::Json, pods: 6, scope: "go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc", version: "7.0.3" },
    Service { name: "payment", language: Language::Java, style: Style::Json, pods: 4, scope: "io.opentelemetry.grpc-1.6", version: "3.3.8" },
    Service { name: "inventory", language: Language::Java, style: Style::Plain, pods: 8, scope: "io.opentelemetry.spring-webmvc-6.0", version: "6.12.0" },
    Service { name: "shipping", language: Language::Rust, style: Style::Logfmt, pods: 3, scope: "shipping::http", version: "1.20.5" },
    Service { name: "notification", language: Language::Python, style: Style::Structured, pods: 3, scope: "opentelemetry.instrumentation.kafka", version: "1.1.14" },
    Service { name: "ledger", language: Language::Dotnet, style: Style::Plain, pods: 3, scope: "OpenTelemetry.Instrumentation.ConfluentKafka", version: "2.7.0" },
    Service { name: "fraud-detection", language: Language::Java, style: Style::TimedJson, pods: 4, scope: "io.opentelemetry.kafka-clients-2.6", version: "1.16.2" },
    Service { name: "media", language: Language::Go, style: Style::Plain, pods: 6, scope: "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp", version: "3.0.0" },
    Service { name: "warehouse-sync", language: Language::Python, style: Style::Logfmt, pods: 2, scope: "warehouse.sync", version: "0.8.22" },
];

pub const STOREFRONT: usize = 0;
pub const IDENTITY: usize = 1;
pub const CATALOG: usize = 2;
pub const SEARCH: usize = 3;
pub const PRICING: usize = 4;
pub const RECOMMENDATION: usize = 5;
pub const CART: usize = 6;
pub const CHECKOUT: usize = 7;
pub const PAYMENT: usize = 8;
pub const INVENTORY: usize = 9;
pub const SHIPPING: usize = 10;
pub const NOTIFICATION: usize = 11;
pub const LEDGER: usize = 12;
pub const FRAUD_DETECTION: usize = 13;
pub const MEDIA: usize = 14;
pub const WAREHOUSE_SYNC: usize = 15;
