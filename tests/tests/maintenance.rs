//! What operators do, with the real binary: verify, inspect, compact, delete, export, import, backup, restore.

mod records;

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use anyhow::{Context, ensure};
use prost::Message;
use rand::SeedableRng;
use rand::rngs::StdRng;
use records::{Sent, is_stored};
use serde_json::Value;
use tracewell_tests::{Server, ServerOptions, tracewell};

async fn command(args: &[&str]) -> anyhow::Result<Output> {
    Ok(tracewell()?.args(args).stdin(Stdio::null()).output().await?)
}

/// The standard output of a command that has to succeed.
async fn output(args: &[&str]) -> anyhow::Result<String> {
    let output = command(args).await?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{args:?} ended with {}: {out}{err}", output.status);
    Ok(out.into_owned())
}

/// What a command says that has to fail with exit code 1.
async fn failure(args: &[&str]) -> anyhow::Result<String> {
    let output = command(args).await?;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.code() == Some(1), "{args:?} ended with {}: {text}", output.status);
    Ok(text)
}

async fn send(server: &Server, seed: u64, requests: usize) -> anyhow::Result<Vec<Sent>> {
    let (http, mut rng) = (reqwest::Client::new(), StdRng::seed_from_u64(seed));
    let mut all = Vec::new();
    for _ in 0..requests {
        let sent = Sent::random(&mut rng);
        let (path, body) = match &sent {
            Sent::Traces(request) => ("traces", request.encode_to_vec()),
            Sent::Logs(request) => ("logs", request.encode_to_vec()),
        };
        let post = http.post(format!("{}/v1/{path}", server.otlp_http));
        let answer = post.header("content-type", "application/x-protobuf").body(body).send().await?;
        ensure!(answer.status().is_success(), "{} was refused: {}", sent.name(), answer.status());
        all.push(sent);
    }
    Ok(all)
}

async fn all_stored(server: &Server, sent: &[Sent]) -> anyhow::Result<()> {
    for sent in sent {
        ensure!(is_stored(&server.api(), sent).await?, "lost: {}", sent.name());
    }
    Ok(())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}

fn rows_files(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        match path.is_dir() {
            true => found.extend(rows_files(&path)?),
            false => found.extend(path.ends_with("rows.parquet").then_some(path)),
        }
    }
    Ok(found)
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_on_files_take_the_data_directory_that_the_server_would_take() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let store = folder.path().join("store");
    let server = Server::start(&store, &ServerOptions::default()).await?;
    send(&server, 3, 4).await?;
    server.api().post("/maintenance/flush").await?;
    server.stop().await?;
    let config = folder.path().join("tracewell.yaml");
    std::fs::write(&config, format!("data_dir: {}\n", text(&store)))?;
    let segments = |shown: &str| -> anyhow::Result<usize> {
        Ok(serde_json::from_str::<Value>(shown)?["segments"].as_array().context("no segments")?.len())
    };
    let expected = segments(&output(&["inspect", "--json", "--data-dir", text(&store)]).await?)?;
    ensure!(expected > 0, "nothing is stored");
    ensure!(segments(&output(&["inspect", "--json", "--config", text(&config)]).await?)? == expected);
    let by_variable = tracewell()?.args(["inspect", "--json"]).env("TRACEWELL_CONFIG", &config).output().await?;
    ensure!(segments(&String::from_utf8(by_variable.stdout)?)? == expected);
    let report: Value = serde_json::from_str(&output(&["verify", "--json", "--config", text(&config)]).await?)?;
    ensure!(report["segments"] == expected, "{report}");
    let backup = folder.path().join("backup");
    output(&["backup", text(&backup), "--config", text(&config)]).await?;
    ensure!(!rows_files(&backup)?.is_empty(), "the backup is empty");
    let error = failure(&["verify", "--config", text(&folder.path().join("none.yaml"))]).await?;
    ensure!(error.contains("could not read the configuration file"), "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_is_imported_field_by_field() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let server = Server::start(&folder.path().join("a"), &ServerOptions::default()).await?;
    let mut sent = send(&server, 1, 30).await?;
    server.api().post("/maintenance/flush").await?;
    sent.extend(send(&server, 2, 30).await?);
    let (traces, logs) = (folder.path().join("traces.otlp.zst"), folder.path().join("logs.otlp"));
    let mut exported = 0;
    for (file, signal) in [(&traces, "traces"), (&logs, "logs")] {
        let done = output(&["export", text(file), "--signal", signal, "--json", "--server", &server.http]).await?;
        exported += serde_json::from_str::<Value>(&done)?["records"].as_u64().context("a number")?;
    }
    ensure!(exported == sent.iter().map(|sent| sent.len() as u64).sum::<u64>(), "{exported} records were exported");
    let error = failure(&["export", text(&logs), "--signal", "logs", "--server", &server.http]).await?;
    ensure!(error.contains("is there already"), "{error}");

    let other = Server::start(&folder.path().join("b"), &ServerOptions::default()).await?;
    output(&["import", text(&traces), text(&logs), "--server", &other.http]).await?;
    all_stored(&other, &sent).await?;

    // Half a file is noticed before anything of it is sent.
    let cut = folder.path().join("cut.otlp");
    let whole = std::fs::read(&logs)?;
    std::fs::write(&cut, &whole[..whole.len() - 1])?;
    let third = Server::start(&folder.path().join("c"), &ServerOptions::default()).await?;
    let error = failure(&["import", text(&cut), "--endpoint", &third.otlp_http]).await?;
    ensure!(error.contains("is not imported"), "{error}");
    let status = third.api().get("/status", &[]).await?;
    ensure!(status["received"]["acceptedRequests"] == 0, "{status}");
    server.stop().await?;
    other.stop().await?;
    third.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_is_backed_up_and_the_restored_one_has_everything() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (data, copy) = (folder.path().join("data"), folder.path().join("backup"));
    let server = Server::start(&data, &ServerOptions::default()).await?;
    let mut sent = send(&server, 3, 20).await?;
    server.api().post("/maintenance/flush").await?;
    sent.extend(send(&server, 4, 20).await?);
    output(&["backup", text(&copy), "--data-dir", text(&data)]).await?;
    let error = failure(&["serve", "--data-dir", text(&data), "--http", "127.0.0.1:0"]).await?;
    ensure!(error.contains("is used by another process"), "{error}");
    let error = failure(&["verify", "--data-dir", text(&data)]).await?;
    ensure!(error.contains("is used by another process"), "{error}");
    server.kill().await?;
    let restored = folder.path().join("restored");
    output(&["restore", text(&copy), "--data-dir", text(&restored)]).await?;
    let server = Server::start(&restored, &ServerOptions::default()).await?;
    all_stored(&server, &sent).await?;
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_compacted_inspected_verified_and_its_damage_named() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let server = Server::start(&data, &ServerOptions::default()).await?;
    for seed in 5..8 {
        send(&server, seed, 15).await?;
        server.api().post("/maintenance/flush").await?;
    }
    output(&["compact", "--server", &server.http]).await?;
    output(&["verify", "--server", &server.http]).await?;
    let inspection: Value = serde_json::from_str(&output(&["inspect", "--json", "--data-dir", text(&data)]).await?)?;
    let segments = inspection["segments"].as_array().context("segments")?;
    ensure!(!segments.is_empty() && segments.iter().all(|segment| segment["level"] != 0), "{inspection}");
    let id = segments[0]["id"].as_str().context("an id")?;
    let detail = output(&["inspect", id, "--data-dir", text(&data)]).await?;
    ensure!(detail.contains("scope_id") && detail.contains("trace index"), "{detail}");
    server.stop().await?;
    ensure!(output(&["compact", "--data-dir", text(&data)]).await?.contains("segments are left"));
    ensure!(output(&["verify", "--data-dir", text(&data)]).await?.contains("verified"));

    let rows = rows_files(&data)?.into_iter().find(|path| text(path).contains(id)).context("its rows")?;
    let mut bytes = std::fs::read(&rows)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&rows, bytes)?;
    let report = failure(&["verify", "--data-dir", text(&data)]).await?;
    ensure!(report.contains(&format!("segment {id} of ")) && report.contains("rows.parquet"), "{report}");
    let report = failure(&["verify", "--json", "--data-dir", text(&data)]).await?;
    ensure!(report.contains("\"problems\":[{"), "{report}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_trace_stays_deleted_after_a_crash() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let server = Server::start(&data, &ServerOptions::default()).await?;
    let sent = send(&server, 9, 12).await?;
    let (gone, kept) = sent.split_at(4);
    for sent in gone {
        let done = output(&["delete", "trace", &sent.trace_id(), "--server", &server.http]).await?;
        ensure!(done.contains("completed"), "{done}");
    }
    server.kill().await?;
    let server = Server::start(&data, &ServerOptions::default()).await?;
    for sent in gone {
        ensure!(!is_stored(&server.api(), sent).await?, "{} is back", sent.name());
    }
    all_stored(&server, kept).await?;
    let listed = output(&["delete", "list", "--server", &server.http]).await?;
    ensure!(
        listed.lines().count() == gone.len() && listed.contains(&format!("trace {}", gone[0].trace_id())),
        "{listed}"
    );
    let error = failure(&["delete", "tenant", "--confirm", "other", "--server", &server.http]).await?;
    ensure!(error.contains("have to be the same"), "{error}");
    server.stop().await?;
    output(&["verify", "--data-dir", text(&data)]).await?;
    Ok(())
}
