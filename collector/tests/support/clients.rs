//! Clients that see every byte: HTTP/1.1 by hand, gRPC on hyper's HTTP/2.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
pub struct Status {
    #[prost(int32, tag = "1")]
    pub code: i32,
    #[prost(string, tag = "2")]
    pub message: String,
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<Detail>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
pub struct Detail {
    #[prost(string, tag = "1")]
    pub type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

/// An answer of HTTP/1.1.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as the `google.rpc.Status` it should be.
    pub fn status_message(&self) -> Status {
        Status::decode(self.body.as_slice()).expect("a google.rpc.Status")
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// A connection of HTTP/1.1.
pub struct Http1 {
    pub stream: TcpStream,
    buffer: Vec<u8>,
}

impl Http1 {
    pub async fn connect(address: SocketAddr) -> Http1 {
        Http1 { stream: TcpStream::connect(address).await.expect("a connection"), buffer: Vec::new() }
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("sent");
    }

    /// Reads one answer; `None` when the connection ends before it.
    pub async fn answer(&mut self) -> Option<Answer> {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8(self.buffer[..end].to_vec()).expect("a head of text");
                self.buffer.drain(..end + 4);
                return Some(self.body_of(&head).await);
            }
            if !self.more().await {
                return None;
            }
        }
    }

    async fn body_of(&mut self, head: &str) -> Answer {
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = Answer { status: status.expect("a status"), headers, body: Vec::new() };
        let length: usize = answer.header("content-length").map_or(0, |length| length.parse().expect("a length"));
        while self.buffer.len() < length {
            assert!(self.more().await, "the body breaks off");
        }
        answer.body = self.buffer.drain(..length).collect();
        answer
    }

    async fn more(&mut self) -> bool {
        matches!(self.stream.read_buf(&mut self.buffer).await, Ok(read) if read > 0)
    }
}

/// Sends one request on a connection of its own. `headers` come besides `Content-Length`.
pub async fn http1(address: SocketAddr, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut connection = Http1::connect(address).await;
    connection.send(&request(line, headers, body)).await;
    connection.answer().await.expect("an answer")
}

pub fn request(line: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut request = format!("{line} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    [request.as_bytes(), body].concat()
}

pub const PROTOBUF: (&str, &str) = ("Content-Type", "application/x-protobuf");
pub const JSON: (&str, &str) = ("Content-Type", "application/json");

pub const TRACE_EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
pub const LOGS_EXPORT: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

/// A connection of HTTP/2 for gRPC calls.
#[derive(Clone)]
pub struct Grpc {
    pub sender: SendRequest<UnsyncBoxBody<Bytes, Infallible>>,
}

/// The body of a request that never comes.
pub struct Stalled;

impl Body for Stalled {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

/// The answer to a call.
#[derive(Debug)]
pub struct Called {
    pub message: Vec<u8>,
    /// Headers and trailers together.
    pub fields: HeaderMap,
}

impl Called {
    pub fn code(&self) -> i32 {
        self.field("grpc-status").and_then(|code| code.parse().ok()).expect("a grpc-status")
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn binary(&self, name: &str) -> Option<Vec<u8>> {
        self.field(name).map(|text| STANDARD_NO_PAD.decode(text).expect("base64"))
    }

    pub fn status_details(&self) -> Status {
        Status::decode(self.binary("grpc-status-details-bin").expect("details").as_slice()).expect("a Status")
    }
}

impl Grpc {
    pub async fn connect(address: SocketAddr) -> Grpc {
        let stream = TcpStream::connect(address).await.expect("a connection");
        let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("a handshake");
        tokio::spawn(connection);
        Grpc { sender }
    }

    /// Calls with one message that is not compressed.
    pub async fn call(&self, path: &str, message: &[u8]) -> Called {
        self.call_raw(path, &[], framed(0, message)).await
    }

    /// Calls with these bytes as the body.
    pub async fn call_raw(&self, path: &str, headers: &[(&str, &str)], body: Bytes) -> Called {
        let mut request = Request::post(format!("http://localhost{path}")).header("te", "trailers");
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/grpc");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body).boxed_unsync()).expect("a request");
        let response = self.sender.clone().send_request(request).await.expect("a response");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "application/grpc");
        let mut fields = response.headers().clone();
        let collected = response.into_body().collect().await.expect("a body");
        fields.extend(collected.trailers().cloned().unwrap_or_default());
        let body = collected.to_bytes();
        Called { message: body.get(5..).unwrap_or_default().to_vec(), fields }
    }
}

/// A message with its prefix of five bytes.
pub fn framed(flag: u8, message: &[u8]) -> Bytes {
    let mut framed = BytesMut::new();
    framed.put_u8(flag);
    framed.put_u32(message.len() as u32);
    framed.put_slice(message);
    framed.freeze()
}
