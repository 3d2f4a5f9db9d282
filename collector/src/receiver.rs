//! The way of every request, whatever protocol it came by: read, decompress, decode, make durable, acknowledge.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::Body;
use tokio::sync::Semaphore;
use tracewell_model::{Signal, TenantId, UnixNanos};
use tracewell_otlp::ContentEncoding;
use tracewell_storage::{Append, Appended, StorageError, StorageErrorKind};

use crate::admission::{Budget, Phase, Reservation};
use crate::answer::Accepted;
use crate::body::{self, BodyLimits, Framing};
use crate::config::CollectorConfig;
use crate::decode::{self, Message, Syntax};
use crate::failures::Failures;
use crate::grpc::frame::unframe;
use crate::metrics::{CollectorMetrics, Protocol};
use crate::refusal::{Refusal, RefusalKind};
use crate::sink::Sink;

/// Messages up to this many bytes are decoded where they are; larger ones on threads for such work.
const INLINE_BYTES_MAX: usize = 64 << 10;

/// What is known of a request before its body.
#[derive(Clone, Debug)]
pub(crate) struct Export {
    pub signal: Signal,
    pub protocol: Protocol,
    pub syntax: Syntax,
    pub tenant: TenantId,
    pub encoding: ContentEncoding,
    pub framing: Framing,
    /// The length of the body, if the client has announced it.
    pub expected: Option<u64>,
    /// How long the client waits for the answer, if it says so.
    pub deadline: Option<Duration>,
}

/// The core that all receivers share.
pub(crate) struct Receiver {
    sink: Arc<dyn Sink>,
    budget: Budget,
    limits: BodyLimits,
    decoders: Arc<Semaphore>,
    failures: Failures,
    metrics: CollectorMetrics,
}

impl Receiver {
    pub(crate) fn new(config: &CollectorConfig, sink: Arc<dyn Sink>, metrics: CollectorMetrics) -> Receiver {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Receiver {
            sink,
            budget: Budget::new(config.inflight_bytes_max, config.admission_wait_max),
            limits: BodyLimits::new(config),
            decoders: Arc::new(Semaphore::new(cores)),
            failures: Failures::new(config.dead_letter_dir.clone()),
            metrics,
        }
    }

    pub(crate) fn metrics(&self) -> &CollectorMetrics {
        &self.metrics
    }

    /// Receives one request. When this returns `Ok`, its records are durable.
    pub(crate) async fn receive<B>(self: &Arc<Self>, export: Export, body: &mut B) -> Result<Accepted, Refusal>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: std::fmt::Display,
    {
        let started = Instant::now();
        let mut wire_bytes = 0;
        let (signal, protocol, deadline) = (export.signal, export.protocol, export.deadline);
        let work = self.read_and_accept(export, body, &mut wire_bytes);
        let result = match deadline {
            None => work.await,
            Some(deadline) => match tokio::time::timeout(deadline, work).await {
                Ok(result) => result,
                Err(_) => {
                    let message =
                        format!("not done within the deadline of {deadline:?}; it may be stored all the same");
                    Err(Refusal::new(RefusalKind::DeadlineExceeded, message))
                }
            },
        };
        self.metrics.observe(signal, protocol, wire_bytes, started.elapsed(), &result);
        self.metrics.set_inflight(self.budget.used());
        result
    }

    async fn read_and_accept<B>(
        self: &Arc<Self>,
        export: Export,
        body: &mut B,
        wire_bytes: &mut usize,
    ) -> Result<Accepted, Refusal>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: std::fmt::Display,
    {
        let mut reservation = self.budget.reserve();
        let read = body::read(body, export.framing, export.expected, &self.limits, &mut reservation).await?;
        *wire_bytes = read.len();
        self.metrics.set_inflight(self.budget.used());
        let message = match export.framing {
            Framing::Plain => Message { encoding: export.encoding, bytes: read },
            Framing::Grpc => unframe(read, export.encoding)?,
        };
        // On its own: a client that leaves now must not stop a request half-way, and a panic ends only this request.
        let receiver = Arc::clone(self);
        let (signal, tenant, kept) = (export.signal, export.tenant.clone(), message.bytes.clone());
        let work = tokio::spawn(async move { receiver.accept(export, message, reservation).await });
        let result = match work.await {
            Ok(result) => result,
            Err(error) => {
                tracing::error!(%signal, %tenant, %error, "a request made the receiver fail");
                Err(Refusal::new(RefusalKind::Internal, "the server failed on this request; send it again"))
            }
        };
        match result {
            Err(refusal) if refusal.kind == RefusalKind::Internal => {
                Err(self.put_aside_if_hopeless(refusal, signal, &tenant, kept).await)
            }
            result => result,
        }
    }

    async fn put_aside_if_hopeless(&self, refusal: Refusal, signal: Signal, tenant: &TenantId, body: Bytes) -> Refusal {
        match self.failures.record(signal, tenant, body).await {
            None => refusal,
            Some(path) => {
                tracing::error!(%signal, %tenant, path = %path.display(), "put a request aside that failed repeatedly");
                let message = format!("the server failed on this request repeatedly and has put it aside: {refusal}");
                Refusal::new(RefusalKind::PutAside, message)
            }
        }
    }

    async fn accept(
        &self,
        export: Export,
        message: Message,
        mut reservation: Reservation,
    ) -> Result<Accepted, Refusal> {
        let wire_bytes = message.bytes.len();
        let inflated = self.inflate(&message, &mut reservation).await?;
        reservation.cover(estimate(&export, wire_bytes, inflated.len()), Phase::Working).await?;
        let received_at = UnixNanos::now();
        let (signal, syntax) = (export.signal, export.syntax);
        let work = inflated.len();
        let decoded =
            self.compute(work, move || decode::decode(signal, syntax, message, inflated, received_at)).await??;
        let kept = decoded.body.bytes.len() + decoded.records.heap_bytes();
        reservation.cover(kept, Phase::Working).await?;
        reservation.shrink(kept);
        let records = decoded.records.len() as u64;
        let mut accepted = Accepted { records, rejected: decoded.rejected, message: decoded.message, duplicate: false };
        if records == 0 {
            return Ok(accepted);
        }
        let append = Append {
            tenant: export.tenant,
            received_at,
            encoding: decoded.body.encoding,
            body: decoded.body.bytes,
            records: decoded.records,
            request_hash: decoded.request_hash,
        };
        let appended = self.sink.append(append).await.map_err(refused_by_storage)?;
        accepted.duplicate = appended == Appended::Duplicate;
        Ok(accepted)
    }

    /// Decompresses a message. Memory is reserved for as much as its header says or is usual; when that was too little,
    /// for as much as is allowed.
    async fn inflate(&self, message: &Message, reservation: &mut Reservation) -> Result<Bytes, Refusal> {
        if message.encoding == ContentEncoding::Identity {
            return Ok(message.bytes.clone());
        }
        let bytes_max = self.limits.bytes_max;
        let expected = decode::inflated_bytes_hint(message).max(INLINE_BYTES_MAX).min(bytes_max);
        let inflated = match self.inflate_within(expected, message, reservation).await {
            Err(refusal) if refusal.kind == RefusalKind::TooLarge && expected < bytes_max => {
                self.inflate_within(bytes_max, message, reservation).await
            }
            result => result,
        }?;
        reservation.shrink(message.bytes.len() + inflated.len());
        Ok(inflated)
    }

    async fn inflate_within(
        &self,
        bytes_max: usize,
        message: &Message,
        reservation: &mut Reservation,
    ) -> Result<Bytes, Refusal> {
        reservation.cover(message.bytes.len() + bytes_max, Phase::Working).await?;
        let message = message.clone();
        self.compute(bytes_max, move || decode::inflate(&message, bytes_max)).await?
    }

    /// Runs `work` of about so many bytes, on another thread if it takes long.
    async fn compute<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        if bytes <= INLINE_BYTES_MAX {
            return Ok(work());
        }
        let stopped = || Refusal::new(RefusalKind::Internal, "the server is stopping; send the request again");
        let permit = Arc::clone(&self.decoders).acquire_owned().await.map_err(|_| stopped())?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        match done.await {
            Ok(result) => Ok(result),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(stopped()),
            },
        }
    }
}

/// The bytes that a decompressed message takes until it is stored. Columns take about as much as the message, and so
/// does what JSON is transcoded to.
fn estimate(export: &Export, wire_bytes: usize, inflated_bytes: usize) -> usize {
    let decompressed = if export.encoding == ContentEncoding::Identity { 0 } else { inflated_bytes };
    let transcoded = if export.syntax == Syntax::OtlpProtobuf { 0 } else { inflated_bytes };
    wire_bytes + decompressed + transcoded + inflated_bytes
}

fn refused_by_storage(error: StorageError) -> Refusal {
    let kind = match error.kind() {
        StorageErrorKind::Unavailable => RefusalKind::StorageUnavailable,
        StorageErrorKind::Invalid => RefusalKind::Malformed,
        StorageErrorKind::Corrupt | StorageErrorKind::Internal => RefusalKind::Internal,
    };
    if kind == RefusalKind::Internal {
        tracing::error!(%error, "the storage failed on a request");
    }
    Refusal::new(kind, error.to_string())
}

/// The tenant that the headers name; the default one when they name none.
pub(crate) fn tenant(headers: &http::HeaderMap) -> Result<TenantId, Refusal> {
    const HEADER: &str = "x-scope-orgid";
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(TenantId::default_tenant()) };
    let name = String::from_utf8_lossy(value.as_bytes());
    if values.next().is_some() {
        return Err(Refusal::malformed("X-Scope-OrgID is there twice: name one tenant").field(HEADER));
    }
    TenantId::new(&name).map_err(|error| Refusal::malformed(format!("X-Scope-OrgID: {error}")).field(HEADER))
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiver").field("budget", &self.budget).field("limits", &self.limits).finish_non_exhaustive()
    }
}
