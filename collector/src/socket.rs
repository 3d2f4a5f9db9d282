//! The socket under a connection: notes when bytes move, and ends HTTP/2 connections that are flooded with frames.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::activity::Activity;

/// A socket of which the first bytes were read already.
#[derive(Debug)]
pub(crate) struct Socket<S> {
    inner: S,
    first_bytes: Bytes,
    activity: Arc<Activity>,
    frames: Option<FrameWatch>,
}

impl<S> Socket<S> {
    /// A socket of HTTP/1.
    pub(crate) fn http1(inner: S, first_bytes: Bytes, activity: Arc<Activity>) -> Socket<S> {
        Socket { inner, first_bytes, activity, frames: None }
    }

    /// A socket of HTTP/2, of which the preface was read: it is `first_bytes`.
    pub(crate) fn http2(inner: S, first_bytes: Bytes, activity: Arc<Activity>) -> Socket<S> {
        Socket { inner, first_bytes, activity, frames: Some(FrameWatch::new()) }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Socket<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        if !socket.first_bytes.is_empty() {
            let bytes = socket.first_bytes.len().min(buffer.remaining());
            buffer.put_slice(&socket.first_bytes[..bytes]);
            socket.first_bytes.advance(bytes);
            socket.activity.read();
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        std::task::ready!(Pin::new(&mut socket.inner).poll_read(cx, buffer))?;
        let read = &buffer.filled()[before..];
        if read.is_empty() {
            return Poll::Ready(Ok(()));
        }
        socket.activity.read();
        if let Some(frames) = &mut socket.frames
            && frames.is_flooded_by(read)
        {
            if let Some(goaway) = frames.goaway() {
                // The best that can be done: the connection ends in any case.
                let _ = Pin::new(&mut socket.inner).poll_write(cx, &goaway);
            }
            return Poll::Ready(Err(io::Error::other("flooded with control frames")));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let socket = self.get_mut();
        let written = std::task::ready!(Pin::new(&mut socket.inner).poll_write(cx, bytes))?;
        socket.activity.wrote();
        if let Some(frames) = &mut socket.frames {
            frames.written(&bytes[..written]);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

const FRAME_HEADER_BYTES: usize = 9;
const DATA: u8 = 0;
const HEADERS: u8 = 1;

/// How long frames are counted together.
const WINDOW: Duration = Duration::from_secs(10);
/// Control frames that a client may send within a window in any case.
const CONTROL_FRAMES_MIN: u64 = 1000;
/// Control frames that it may send besides for each frame that carries something.
const CONTROL_FRAMES_PER_LOAD: u64 = 8;

/// Counts frames of HTTP/2 (RFC 9113, 4.1). The protocol library answers each PING and SETTINGS as long as a client
/// cares to send them; nobody has use for thousands that carry no request.
#[derive(Debug)]
struct FrameWatch {
    inbound: FrameBoundary,
    outbound: FrameBoundary,
    window_start: Instant,
    control: u64,
    load: u64,
}

impl FrameWatch {
    fn new() -> FrameWatch {
        FrameWatch {
            inbound: FrameBoundary::default(),
            outbound: FrameBoundary::default(),
            window_start: Instant::now(),
            control: 0,
            load: 0,
        }
    }

    /// Counts the frames that begin in `bytes`; whether they are too many.
    fn is_flooded_by(&mut self, bytes: &[u8]) -> bool {
        let FrameWatch { inbound, control, load, .. } = self;
        inbound.advance(bytes, |kind, length| match kind {
            HEADERS => *load += 1,
            DATA if length > 0 => *load += 1,
            _ => *control += 1,
        });
        if self.control <= CONTROL_FRAMES_MIN + CONTROL_FRAMES_PER_LOAD * self.load {
            let now = Instant::now();
            if now.duration_since(self.window_start) >= WINDOW {
                (self.window_start, self.control, self.load) = (now, 0, 0);
            }
            return false;
        }
        true
    }

    fn written(&mut self, bytes: &[u8]) {
        self.outbound.advance(bytes, |_, _| {});
    }

    /// A GOAWAY frame that says ENHANCE_YOUR_CALM, unless another frame is half written.
    fn goaway(&self) -> Option<[u8; 17]> {
        let last_stream = 0x7fff_ffff_u32.to_be_bytes();
        let mut frame = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0b];
        frame[9..13].copy_from_slice(&last_stream);
        self.outbound.is_between_frames().then_some(frame)
    }
}

/// Where in a stream of frames we are.
#[derive(Debug, Default)]
struct FrameBoundary {
    header: [u8; FRAME_HEADER_BYTES],
    header_bytes: usize,
    payload_left: usize,
}

impl FrameBoundary {
    /// Steps over `bytes`; `on_frame` is told kind and length of each frame.
    fn advance(&mut self, mut bytes: &[u8], mut on_frame: impl FnMut(u8, usize)) {
        while !bytes.is_empty() {
            let payload = self.payload_left.min(bytes.len());
            self.payload_left -= payload;
            bytes = &bytes[payload..];
            let missing = (FRAME_HEADER_BYTES - self.header_bytes).min(bytes.len());
            self.header[self.header_bytes..self.header_bytes + missing].copy_from_slice(&bytes[..missing]);
            self.header_bytes += missing;
            bytes = &bytes[missing..];
            if self.header_bytes == FRAME_HEADER_BYTES {
                let [a, b, c, kind, ..] = self.header;
                self.payload_left = u32::from_be_bytes([0, a, b, c]) as usize;
                self.header_bytes = 0;
                on_frame(kind, self.payload_left);
            }
        }
    }

    fn is_between_frames(&self) -> bool {
        self.header_bytes == 0 && self.payload_left == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, length: usize) -> Vec<u8> {
        let mut frame = vec![0, (length >> 8) as u8, length as u8, kind, 0, 0, 0, 0, 0];
        frame.resize(FRAME_HEADER_BYTES + length, 7);
        frame
    }

    #[tokio::test(start_paused = true)]
    async fn frames_are_counted_however_they_are_cut() {
        let bytes = [frame(6, 8), frame(DATA, 300), frame(DATA, 0), frame(HEADERS, 1)].concat();
        for piece in 1..bytes.len() {
            let mut watch = FrameWatch::new();
            for bytes in bytes.chunks(piece) {
                assert!(!watch.is_flooded_by(bytes));
            }
            assert_eq!((watch.control, watch.load), (2, 2), "pieces of {piece}");
            assert!(watch.inbound.is_between_frames());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_one_without_load() {
        let ping = frame(6, 8);
        let mut watch = FrameWatch::new();
        assert!(!watch.is_flooded_by(&ping.repeat(1000)));
        assert!(watch.is_flooded_by(&ping));
        let mut busy = FrameWatch::new();
        let exchange = [frame(HEADERS, 50), frame(DATA, 100), ping.repeat(3)].concat();
        assert!(!busy.is_flooded_by(&exchange.repeat(100_000)));
        let mut slow = FrameWatch::new();
        for _ in 0..100 {
            assert!(!slow.is_flooded_by(&ping.repeat(500)));
            tokio::time::advance(WINDOW).await;
        }
    }
}
