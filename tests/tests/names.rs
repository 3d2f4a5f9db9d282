//! DNS rebinding: a web page whose own name leads to 127.0.0.1 must learn nothing from a server on loopback.

use anyhow::ensure;
use tracewell_tests::{Server, ServerOptions};

async fn status(server: &Server, path: &str, host: &str) -> anyhow::Result<(u16, String)> {
    let answer = reqwest::Client::new().get(format!("{}{path}", server.http)).header("host", host).send().await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

#[tokio::test]
async fn foreign_names_are_refused_everywhere_on_the_http_port() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let flags = ["--allowed-hosts=tracewell.corp.example"];
    let server = Server::start(data.path(), &ServerOptions::with_flags(&flags)).await?;
    for path in ["/", "/api/v1/traces", "/api/v1/status", "/metrics", "/readyz", "/zipkin/api/v2/spans"] {
        let (code, body) = status(&server, path, "evil.example:4319").await?;
        ensure!(code == 403 && body.contains("allowed_hosts"), "{path}: {code} {body}");
    }
    for host in ["localhost:4319", "127.0.0.1", "[::1]:4319", "tracewell.corp.example"] {
        let (code, body) = status(&server, "/api/v1/status", host).await?;
        ensure!(code == 200, "{host}: {code} {body}");
    }
    server.stop().await
}
