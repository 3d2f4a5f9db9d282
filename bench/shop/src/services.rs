//! The services of the shop and the pods that they run in.

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use rand::Rng;
use rand::rngs::StdRng;

use crate::recorder::text;

/// How many services there are.
pub const SERVICE_COUNT: usize = SERVICES.len();

/// A service of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum Service {
    Frontend,
    Checkout,
    Cart,
    ProductCatalog,
    Payment,
    Shipping,
    Email,
    Recommendation,
    Ad,
    Currency,
    Inventory,
    FraudDetection,
    Accounting,
}

struct Description {
    name: &'static str,
    language: &'static str,
    library: &'static str,
    version: &'static str,
    pods: usize,
}

#[rustfmt::skip]
const SERVICES: [Description; 13] = [
    Description { name: "frontend", language: "nodejs", library: "@opentelemetry/instrumentation-http", version: "2.14.1", pods: 3 },
    Description { name: "checkout", language: "go", library: "go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc", version: "1.30.2", pods: 2 },
    Description { name: "cart", language: "dotnet", library: "OpenTelemetry.Instrumentation.AspNetCore", version: "4.2.0", pods: 2 },
    Description { name: "product-catalog", language: "go", library: "go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc", version: "1.12.7", pods: 2 },
    Description { name: "payment", language: "nodejs", library: "@opentelemetry/instrumentation-grpc", version: "3.0.9", pods: 2 },
    Description { name: "shipping", language: "rust", library: "opentelemetry-tower", version: "0.9.4", pods: 1 },
    Description { name: "email", language: "ruby", library: "OpenTelemetry::Instrumentation::Sinatra", version: "1.1.0", pods: 1 },
    Description { name: "recommendation", language: "python", library: "opentelemetry.instrumentation.grpc", version: "2.3.3", pods: 2 },
    Description { name: "ad", language: "java", library: "io.opentelemetry.grpc-1.6", version: "5.0.1", pods: 1 },
    Description { name: "currency", language: "cpp", library: "currency", version: "1.0.0", pods: 2 },
    Description { name: "inventory", language: "java", library: "io.opentelemetry.spring-webmvc-6.0", version: "7.4.2", pods: 2 },
    Description { name: "fraud-detection", language: "java", library: "io.opentelemetry.kafka-clients-2.6", version: "1.6.0", pods: 1 },
    Description { name: "accounting", language: "dotnet", library: "OpenTelemetry.Instrumentation.ConfluentKafka", version: "2.0.4", pods: 1 },
];

/// The pods of a service, as resources, and the library that instruments it.
pub struct Instances {
    pub resources: Vec<Resource>,
    pub scope: InstrumentationScope,
}

/// Starts the pods of all services.
pub fn instances(rng: &mut StdRng) -> Vec<Instances> {
    SERVICES.iter().map(|service| start(service, rng)).collect()
}

fn start(service: &Description, rng: &mut StdRng) -> Instances {
    let replica_set: u32 = rng.random();
    let resources = (0..service.pods)
        .map(|pod| {
            let suffix = rng.random_range(0..36u32.pow(4));
            let name = format!("{}-{replica_set:08x}-{suffix:05}", service.name);
            Resource {
                attributes: vec![
                    text("service.name", service.name),
                    text("service.namespace", "shop"),
                    text("service.version", service.version),
                    text("service.instance.id", &name),
                    text("deployment.environment.name", "production"),
                    text("telemetry.sdk.name", "opentelemetry"),
                    text("telemetry.sdk.language", service.language),
                    text("telemetry.sdk.version", "1.42.0"),
                    text("k8s.namespace.name", "shop"),
                    text("k8s.deployment.name", service.name),
                    text("k8s.pod.name", &name),
                    text("k8s.node.name", &format!("node-{}", (pod + replica_set as usize) % 4)),
                    text("cloud.region", "eu-central-1"),
                ],
                ..Resource::default()
            }
        })
        .collect();
    let scope = InstrumentationScope {
        name: service.library.to_owned(),
        version: "0.62.0".to_owned(),
        ..InstrumentationScope::default()
    };
    Instances { resources, scope }
}
