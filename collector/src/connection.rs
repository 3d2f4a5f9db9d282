//! One connection from its first byte to its end.

use std::future::Future;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::activity::{Activity, Verdict};
use crate::config::CollectorConfig;
use crate::service::{Peer, Service};
use crate::socket::Socket;

/// What every client of HTTP/2 sends first (RFC 9113, 3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The most bytes of the header fields of a request.
const HEADER_BYTES_MAX: usize = 16 << 10;
/// The most bytes of an HTTP/1 connection that wait to be read by the request.
const HTTP1_BUFFER_BYTES_MAX: usize = 64 << 10;
/// Flow control: the bytes that a client may send ahead on one stream, and on the whole connection.
const STREAM_WINDOW_BYTES: u32 = 512 << 10;
const CONNECTION_WINDOW_BYTES: u32 = 1 << 20;
/// How often a silent HTTP/2 client is asked whether it is there, and how long it may take to answer.
const PING_INTERVAL: Duration = Duration::from_secs(60);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a connection that should end may take to do so.
const LEAVE_TIME_MAX: Duration = Duration::from_secs(5);
/// After how long at its age limit a connection is cut.
const AGE_GRACE: Duration = Duration::from_secs(60);

/// The bounds of a connection.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionLimits {
    header_timeout: Duration,
    idle_timeout: Duration,
    age_max: Option<Duration>,
    streams_max: u32,
}

impl ConnectionLimits {
    pub(crate) fn new(config: &CollectorConfig) -> ConnectionLimits {
        ConnectionLimits {
            header_timeout: config.header_timeout,
            idle_timeout: config.idle_timeout,
            age_max: config.connection_age_max,
            streams_max: config.connection_streams_max,
        }
    }
}

/// How connections are told to end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending {
    /// Finish what is in progress and take nothing new.
    pub gracefully: CancellationToken,
    /// End now.
    pub now: CancellationToken,
}

/// Serves a connection until it ends.
pub(crate) async fn serve<S>(
    mut stream: S,
    client: Option<IpAddr>,
    service: Arc<Service>,
    limits: ConnectionLimits,
    ending: Ending,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let first_bytes = tokio::select! {
        first_bytes = first_bytes(&mut stream, &limits) => first_bytes,
        () = ending.gracefully.cancelled() => None,
    };
    let Some(first_bytes) = first_bytes else { return };
    let activity = Activity::new();
    let answer = {
        let activity = Arc::clone(&activity);
        service_fn(move |request: Request<Incoming>| {
            let in_progress = activity.begin_request();
            let service = Arc::clone(&service);
            async move {
                // Boxed, because the server keeps room for one answer in each connection, also an idle one.
                let response = Box::pin(service.answer(&Peer { address: client }, request)).await;
                drop(in_progress);
                Ok::<_, std::convert::Infallible>(response)
            }
        })
    };
    if first_bytes == HTTP2_PREFACE {
        let socket = TokioIo::new(Socket::http2(stream, first_bytes, Arc::clone(&activity)));
        let connection = http2_settings(&limits).serve_connection(socket, answer);
        Box::pin(watch(connection, &activity, None, &limits, &ending)).await;
    } else {
        let socket = TokioIo::new(Socket::http1(stream, first_bytes, Arc::clone(&activity)));
        let connection = http1_settings().serve_connection(socket, answer);
        Box::pin(watch(connection, &activity, Some(limits.header_timeout), &limits, &ending)).await;
    }
}

fn http1_settings() -> http1::Builder {
    let mut builder = http1::Builder::new();
    // Headers are timed in `watch`.
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .half_close(true)
        .max_header_size(HEADER_BYTES_MAX)
        .max_buf_size(HTTP1_BUFFER_BYTES_MAX);
    builder
}

fn http2_settings(limits: &ConnectionLimits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_max)
        .max_header_list_size(HEADER_BYTES_MAX as u32)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

/// Reads until it is clear whether the client speaks HTTP/2. `None`: it left, or said nothing for too long.
async fn first_bytes<S: AsyncRead + Unpin>(stream: &mut S, limits: &ConnectionLimits) -> Option<Bytes> {
    let mut buffer = [0; HTTP2_PREFACE.len()];
    let mut length = timeout(limits.idle_timeout, stream.read(&mut buffer)).await.ok()?.ok()?;
    let rest = async {
        while length > 0 && length < buffer.len() && HTTP2_PREFACE.starts_with(&buffer[..length]) {
            match stream.read(&mut buffer[length..]).await {
                Ok(0) | Err(_) => return,
                Ok(more) => length += more,
            }
        }
    };
    timeout(limits.header_timeout, rest).await.ok()?;
    (length > 0).then(|| Bytes::copy_from_slice(&buffer[..length]))
}

/// A connection of either version of HTTP.
trait Connection: Future<Output = hyper::Result<()>> {
    /// Finishes what is in progress and takes nothing new.
    fn leave(self: Pin<&mut Self>);
}

impl<I, S> Connection for http1::Connection<I, S>
where
    Self: Future<Output = hyper::Result<()>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    S: hyper::service::HttpService<Incoming>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    S::ResBody: hyper::body::Body + 'static,
    <S::ResBody as hyper::body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn leave(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, S, E> Connection for http2::Connection<I, S, E>
where
    Self: Future<Output = hyper::Result<()>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    S: hyper::service::HttpService<Incoming>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    S::ResBody: hyper::body::Body + 'static,
    <S::ResBody as hyper::body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    E: hyper::rt::bounds::Http2ServerConnExec<S::Future, S::ResBody>,
{
    fn leave(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// Drives a connection to its end, and ends it when its time has come.
async fn watch<C: Connection>(
    connection: C,
    activity: &Activity,
    header_timeout: Option<Duration>,
    limits: &ConnectionLimits,
    ending: &Ending,
) {
    let mut connection = pin!(connection);
    let aged = limits.age_max.map(|age| Instant::now() + age);
    let mut cut_at: Option<Instant> = None;
    loop {
        let look_at = match activity.verdict(header_timeout, limits.idle_timeout) {
            Verdict::Fine(look_at) => look_at,
            Verdict::HeadersTooSlow => return,
            Verdict::Idle if cut_at.is_some() => return,
            Verdict::Idle => {
                connection.as_mut().leave();
                cut_at = Some(Instant::now() + LEAVE_TIME_MAX);
                Instant::now() + LEAVE_TIME_MAX
            }
        };
        let wake_at = [Some(look_at), aged.filter(|_| cut_at.is_none()), cut_at].into_iter().flatten().min();
        tokio::select! {
            result = connection.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!(%error, "a connection ended with an error");
                }
                return;
            }
            () = ending.now.cancelled() => return,
            () = ending.gracefully.cancelled(), if cut_at.is_none() => {
                connection.as_mut().leave();
                // `ending.now` cuts it.
                cut_at = Some(Instant::now() + Duration::from_secs(86_400));
            }
            () = sleep_until(wake_at.unwrap_or(look_at)) => {}
        }
        let now = Instant::now();
        if cut_at.is_some_and(|cut_at| now >= cut_at) {
            return;
        }
        if cut_at.is_none() && aged.is_some_and(|aged| now >= aged) {
            connection.as_mut().leave();
            cut_at = Some(now + AGE_GRACE);
        }
    }
}
