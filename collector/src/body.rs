//! Reading a request body: bounded in size, in memory, in time and in slowness.

use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use crate::admission::{Phase, Reservation};
use crate::config::CollectorConfig;
use crate::refusal::{Refusal, RefusalKind};

/// The bounds of a body.
#[derive(Clone, Debug)]
pub struct BodyLimits {
    /// The most bytes.
    pub bytes_max: usize,
    /// How long it may be slower than [`Self::bytes_per_second_min`].
    pub grace: Duration,
    /// The slowest speed after that.
    pub bytes_per_second_min: u64,
    /// How long it may take in all.
    pub timeout: Duration,
}

impl BodyLimits {
    /// The bounds in the configuration.
    pub fn new(config: &CollectorConfig) -> BodyLimits {
        BodyLimits {
            bytes_max: config.request_bytes_max,
            grace: config.body_grace,
            bytes_per_second_min: config.body_bytes_per_second_min,
            timeout: config.body_timeout,
        }
    }
}

/// How the end of a message is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// The body is the message.
    Plain,
    /// The body is one message with the five bytes before it that gRPC puts there.
    Grpc,
}

/// The bytes before a gRPC message: whether it is compressed, and its length.
pub const GRPC_PREFIX_BYTES: usize = 5;

/// What is reserved for a body of unknown length at first.
const FIRST_BYTES: usize = 8 << 10;
/// What is reserved for a body of known length at first, at the most. Nearly all have as much as they need from the
/// start, and so none of them waits for memory half-way while it keeps others waiting.
const FIRST_BYTES_EXPECTED: usize = 64 << 10;
/// Whoever has sent so many bytes is believed to send all that they have announced.
const PROVEN_BYTES: usize = 1 << 20;

/// Reads `body` to its end. What it takes is covered by `reservation` before it is taken. `expected` is the length
/// that the client has announced, if it has.
pub async fn read<B>(
    body: &mut B,
    framing: Framing,
    expected: Option<u64>,
    limits: &BodyLimits,
    reservation: &mut Reservation,
) -> Result<Bytes, Refusal>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let prefix = if framing == Framing::Grpc { GRPC_PREFIX_BYTES } else { 0 };
    let bytes_max = limits.bytes_max + prefix;
    if let Some(expected) = expected
        && expected > bytes_max as u64
    {
        return Err(too_large(expected.saturating_sub(prefix as u64), limits.bytes_max));
    }
    let mut expected = expected.and_then(|bytes| usize::try_from(bytes).ok());
    let mut pace = Pace::new(limits);
    let mut collected: Vec<u8> = Vec::new();
    loop {
        reservation.cover(step(collected.len() + 1, expected, bytes_max), Phase::Reading).await?;
        let Some(data) = pace.next(body).await? else { break };
        let length = collected.len() + data.len();
        if length > bytes_max {
            return Err(too_large_at_least(limits.bytes_max));
        }
        make_room(&mut collected, length, expected, bytes_max, reservation).await?;
        collected.extend_from_slice(&data);
        if framing == Framing::Grpc
            && let Some(announced) = grpc_length(&collected)
        {
            if announced > limits.bytes_max {
                return Err(too_large(announced as u64, limits.bytes_max));
            }
            expected = Some(announced + prefix);
        }
    }
    reservation.shrink(collected.len());
    // Costs nothing when as much came as was announced.
    Ok(Bytes::from(collected))
}

/// Makes `collected` large enough for `length` bytes.
async fn make_room(
    collected: &mut Vec<u8>,
    length: usize,
    expected: Option<usize>,
    bytes_max: usize,
    reservation: &mut Reservation,
) -> Result<(), Refusal> {
    let step = step(length, expected, bytes_max);
    if length <= collected.capacity() {
        return reservation.cover(step, Phase::Reading).await;
    }
    // While bytes move to a larger buffer, both are there.
    reservation.cover(step + collected.len(), Phase::Reading).await?;
    let capacity = match expected {
        // Memory that is not written to is not there: from here on it grows without moving.
        Some(expected) if length >= PROVEN_BYTES => expected.max(length),
        _ => step,
    };
    let no_memory = || Refusal::new(RefusalKind::Overloaded, "the server has no memory left; send the request again");
    collected.try_reserve_exact(capacity - collected.len()).map_err(|_| no_memory())?;
    reservation.shrink(step);
    Ok(())
}

/// The length of the message that follows, once the prefix is there.
fn grpc_length(collected: &[u8]) -> Option<usize> {
    let length = collected.get(1..GRPC_PREFIX_BYTES)?;
    Some(u32::from_be_bytes(length.try_into().ok()?) as usize)
}

/// What to reserve for `length` bytes: in steps of twice the size, so that nobody gets more than twice what they have
/// sent (but for the first bytes), and no more than announced.
fn step(length: usize, expected: Option<usize>, bytes_max: usize) -> usize {
    let doubled = length.next_power_of_two();
    match expected {
        Some(expected) if expected >= length => doubled.max(FIRST_BYTES_EXPECTED).min(expected),
        _ => doubled.max(FIRST_BYTES).min(bytes_max.max(length)),
    }
}

/// How fast a body arrives.
struct Pace {
    started: Instant,
    end: Instant,
    window_end: Instant,
    window_bytes: u64,
    window_bytes_min: u64,
    grace: Duration,
    bytes_per_second_min: u64,
}

impl Pace {
    fn new(limits: &BodyLimits) -> Pace {
        let now = Instant::now();
        Pace {
            started: now,
            end: now + limits.timeout,
            window_end: now + limits.grace,
            window_bytes: 0,
            // The first window is the grace: anything but nothing is enough.
            window_bytes_min: 1,
            grace: limits.grace,
            bytes_per_second_min: limits.bytes_per_second_min,
        }
    }

    /// The next data of `body`; `None` at its end.
    async fn next<B>(&mut self, body: &mut B) -> Result<Option<Bytes>, Refusal>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: std::fmt::Display,
    {
        loop {
            let frame = match timeout_at(self.window_end.min(self.end), body.frame()).await {
                Err(_) => {
                    self.turn_window()?;
                    continue;
                }
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => {
                    let message = format!("the body broke off: {error}; send the request again");
                    return Err(Refusal::new(RefusalKind::BodyTooSlow, message));
                }
                Ok(Some(Ok(frame))) => frame,
            };
            // Trailers of a request mean nothing in OTLP.
            let Ok(data) = frame.into_data() else { continue };
            let now = Instant::now();
            if now >= self.window_end.min(self.end) {
                self.turn_window()?;
            }
            self.window_bytes += data.len() as u64;
            return Ok(Some(data));
        }
    }

    fn turn_window(&mut self) -> Result<(), Refusal> {
        let now = Instant::now();
        if self.window_bytes < self.window_bytes_min || now >= self.end {
            let seconds = now.duration_since(self.started).as_secs();
            let message = format!("the body was not complete after {seconds} s and arrives too slowly");
            return Err(Refusal::new(RefusalKind::BodyTooSlow, message));
        }
        self.window_end = now + self.grace;
        self.window_bytes = 0;
        self.window_bytes_min = (self.bytes_per_second_min * self.grace.as_secs()).max(1);
        Ok(())
    }
}

/// A request that says itself how large it is.
fn too_large(bytes: u64, bytes_max: usize) -> Refusal {
    let message = format!(
        "the request of {bytes} bytes is larger than the limit of {bytes_max} bytes (request_bytes_max); \
         send smaller batches"
    );
    Refusal::new(RefusalKind::TooLarge, message)
}

fn too_large_at_least(bytes_max: usize) -> Refusal {
    let message =
        format!("the request is larger than the limit of {bytes_max} bytes (request_bytes_max); send smaller batches");
    Refusal::new(RefusalKind::TooLarge, message)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::StreamExt;
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;
    use crate::admission::Budget;

    fn limits(bytes_max: usize) -> BodyLimits {
        BodyLimits { bytes_max, ..BodyLimits::new(&CollectorConfig::default()) }
    }

    /// A body of pieces, each after a pause.
    fn body(pieces: Vec<(Duration, Vec<u8>)>) -> impl Body<Data = Bytes, Error = Infallible> + Unpin {
        let stream = futures::stream::iter(pieces).then(|(pause, piece)| async move {
            tokio::time::sleep(pause).await;
            Ok::<_, Infallible>(Frame::data(Bytes::from(piece)))
        });
        StreamBody::new(Box::pin(stream))
    }

    async fn read_pieces(
        pieces: Vec<(Duration, Vec<u8>)>,
        framing: Framing,
        bytes_max: usize,
    ) -> (Result<Bytes, Refusal>, Budget) {
        let budget = Budget::new(64 << 20, Duration::from_secs(2));
        let mut reservation = budget.reserve();
        let mut body = body(pieces);
        let result = read(&mut body, framing, None, &limits(bytes_max), &mut reservation).await;
        (result, budget)
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_is_exact() {
        for (length, fits) in [(99, true), (100, true), (101, false)] {
            let pieces = vec![(Duration::ZERO, vec![7; 60]), (Duration::ZERO, vec![7; length - 60])];
            let (result, budget) = read_pieces(pieces, Framing::Plain, 100).await;
            assert_eq!(result.as_ref().map(Bytes::len).ok(), fits.then_some(length));
            assert_eq!(result.err().map(|refusal| refusal.kind), (!fits).then_some(RefusalKind::TooLarge));
            assert_eq!(budget.used(), 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_oversize_grpc_message_is_refused_by_its_prefix() {
        let pieces = vec![(Duration::ZERO, vec![0, 0, 0]), (Duration::ZERO, vec![0, 101])];
        let refusal = read_pieces(pieces, Framing::Grpc, 100).await.0.expect_err("too large");
        assert_eq!(refusal.kind, RefusalKind::TooLarge);
        assert!(refusal.message.contains("101 bytes"), "{refusal}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_may_be_slow_but_not_that_slow() {
        let every_second = |bytes: usize| vec![(Duration::from_secs(1), vec![7; bytes]); 40];
        let (result, _) = read_pieces(every_second(1100), Framing::Plain, 1 << 20).await;
        assert_eq!(result.expect("fast enough").len(), 44_000);
        let (result, _) = read_pieces(every_second(100), Framing::Plain, 1 << 20).await;
        assert_eq!(result.expect_err("too slow").kind, RefusalKind::BodyTooSlow);
        let (result, _) = read_pieces(vec![(Duration::from_secs(60), vec![7])], Framing::Plain, 1 << 20).await;
        assert_eq!(result.expect_err("nothing at all").kind, RefusalKind::BodyTooSlow);
        let (result, _) =
            read_pieces(vec![(Duration::from_secs(1), vec![7; 2000]); 200], Framing::Plain, 1 << 20).await;
        assert_eq!(result.expect_err("without end").kind, RefusalKind::BodyTooSlow);
    }

    #[tokio::test(start_paused = true)]
    async fn large_bodies_come_whole_and_hold_what_they_have_sent() {
        let budget = Budget::new(64 << 20, Duration::from_secs(2));
        for expected in [None, Some(5_000_000)] {
            let pieces = vec![(Duration::ZERO, vec![7; 100_000]); 50];
            let mut reservation = budget.reserve();
            let result = read(&mut body(pieces), Framing::Plain, expected, &limits(8 << 20), &mut reservation).await;
            assert_eq!(result.expect("whole"), vec![7; 5_000_000]);
            assert!(budget.used() >= 5_000_000 && budget.used() < 5_001_024, "{}", budget.used());
        }
    }

    #[test]
    fn nobody_gets_more_than_twice_what_they_sent() {
        for length in [1, 8 << 10, 10_000, 1 << 20, 5_000_000] {
            let capacity = step(length, Some(64 << 20), 64 << 20);
            assert!(capacity >= length && capacity <= (2 * length).max(FIRST_BYTES_EXPECTED), "{length}: {capacity}");
            let capacity = step(length, None, 64 << 20);
            assert!(capacity >= length && capacity <= (2 * length).max(FIRST_BYTES), "{length}: {capacity}");
        }
        assert_eq!(step(50, Some(60), 100), 60);
    }
}
