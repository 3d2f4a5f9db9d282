//! Request lines as people type them: `<`, `>` and `"` stand in searches (`duration>500ms`) but not in URLs. The HTTP library
//! refuses them without a word; here they are percent-encoded before it sees them, as browsers do.
//!
//! Only lines that are taken for request lines of HTTP/1 are touched: the first of a connection, and each behind a
//! request without a body. After a request with a body, or of HTTP/2, the connection is left alone.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// What is kept of a line to tell what it is: as much as the names that matter need.
const LINE_HEAD_MAX: usize = 64;

/// A listener whose connections give request lines that can be parsed.
pub struct LenientListener(pub TcpListener);

impl Listener for LenientListener {
    type Io = LenientStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        (LenientStream { stream, scanner: Scanner::default(), pending: Vec::new() }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// Such a connection.
pub struct LenientStream<S> {
    stream: S,
    scanner: Scanner,
    /// What did not fit when bytes became more.
    pending: Vec<u8>,
}

impl<S: AsyncRead + Unpin> AsyncRead for LenientStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.pending.is_empty() {
            let fits = this.pending.len().min(buf.remaining());
            buf.put_slice(&this.pending[..fits]);
            this.pending.drain(..fits);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        if let Some(encoded) = this.scanner.scan(&buf.filled()[before..]) {
            buf.set_filled(before);
            let fits = encoded.len().min(buf.remaining());
            buf.put_slice(&encoded[..fits]);
            this.pending = encoded[fits..].to_vec();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for LenientStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Which line of a connection is being read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Place {
    #[default]
    RequestLine,
    /// Of a request that has no body as far as is known.
    Header,
    /// Nothing is touched any more.
    Beyond,
}

/// Follows the lines of a connection.
#[derive(Default)]
struct Scanner {
    place: Place,
    /// The beginning of the present line, in lower case.
    head: Vec<u8>,
    has_body: bool,
}

impl Scanner {
    /// The bytes as they are to be given on; none when they stay as they are.
    fn scan(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut encoded: Option<Vec<u8>> = None;
        for (at, &byte) in bytes.iter().enumerate() {
            if self.place == Place::Beyond {
                if let Some(encoded) = &mut encoded {
                    encoded.extend_from_slice(&bytes[at..]);
                }
                break;
            }
            let code: Option<&[u8]> = match byte {
                b'<' => Some(b"%3C"),
                b'>' => Some(b"%3E"),
                b'"' => Some(b"%22"),
                _ => None,
            };
            match code.filter(|_| self.place == Place::RequestLine) {
                Some(code) => encoded.get_or_insert_with(|| bytes[..at].to_vec()).extend_from_slice(code),
                None => encoded.iter_mut().for_each(|encoded| encoded.push(byte)),
            }
            match byte {
                b'\n' => self.end_line(),
                _ if self.head.len() < LINE_HEAD_MAX => self.head.push(byte.to_ascii_lowercase()),
                _ => {}
            }
        }
        encoded
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.head);
        let line = line.trim_ascii_end();
        self.place = match self.place {
            // Empty lines may stand before a request.
            Place::RequestLine if line.is_empty() => Place::RequestLine,
            Place::RequestLine if line.starts_with(b"pri ") => Place::Beyond,
            Place::RequestLine => Place::Header,
            Place::Header if line.is_empty() && self.has_body => Place::Beyond,
            Place::Header if line.is_empty() => Place::RequestLine,
            Place::Header => {
                let other = [&b"content-length:"[..], b"transfer-encoding:", b"upgrade:"];
                self.has_body |= other.iter().any(|name| line.starts_with(name));
                Place::Header
            }
            Place::Beyond => Place::Beyond,
        };
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    /// What comes out, however the bytes are cut and however small the reader's buffer is.
    async fn read(input: &[u8]) -> String {
        let mut found = Vec::new();
        for (chunk, buffer) in [(input.len(), 4096), (1, 4096), (3, 1), (7, 2)] {
            let mut stream =
                LenientStream { stream: in_chunks(input, chunk), scanner: Scanner::default(), pending: Vec::new() };
            let (mut out, mut piece) = (Vec::new(), vec![0; buffer]);
            loop {
                match stream.read(&mut piece).await.expect("read") {
                    0 => break,
                    bytes => out.extend_from_slice(&piece[..bytes]),
                }
            }
            found.push(String::from_utf8(out).expect("text"));
        }
        assert!(found.iter().all(|other| *other == found[0]), "{found:?}");
        found.swap_remove(0)
    }

    fn in_chunks(input: &[u8], chunk: usize) -> Box<dyn AsyncRead + Unpin + '_> {
        let chunks = input.chunks(chunk.max(1));
        chunks.fold(Box::new(tokio::io::empty()), |before, chunk| Box::new(before.chain(chunk)))
    }

    #[tokio::test]
    async fn each_request_line_is_made_parseable_and_nothing_else_is_touched() {
        let one = "GET /logs?q=a>b&r=\"<\" HTTP/1.1\r\nHost: a\r\nX-Odd: <\">\r\n\r\n";
        let good = "GET /logs?q=a%3Eb&r=%22%3C%22 HTTP/1.1\r\nHost: a\r\nX-Odd: <\">\r\n\r\n";
        assert_eq!(read(one.as_bytes()).await, good);
        assert_eq!(read([one, "\r\n", one, one].concat().as_bytes()).await, [good, "\r\n", good, good].concat());
    }

    #[tokio::test]
    async fn bodies_stay_as_they_are() {
        for header in ["Content-Length: 14", "content-LENGTH: 14", "Transfer-Encoding: chunked"] {
            let body = "GET /<\">\r\nGET /<\">\r\n\r\nGET /<\"> HTTP/1.1\r\n\r\n";
            let rest = format!(" HTTP/1.1\r\n{header}\r\n\r\n{body}");
            assert_eq!(read(format!("POST /a>b{rest}").as_bytes()).await, format!("POST /a%3Eb{rest}"));
        }
        let http2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET <\"> \r\n";
        assert_eq!(read(http2.as_bytes()).await, http2);
    }
}
