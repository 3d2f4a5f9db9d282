//! `google.rpc.Status`, the body of answers that are errors, and its details about sending again.
//!
//! Sources: `google/rpc/status.proto`, `google/rpc/error_details.proto`.

use std::time::Duration;

use prost::Message;

pub(crate) const RETRY_INFO_TYPE: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// What went wrong.
#[derive(Clone, PartialEq, Message)]
pub struct RpcStatus {
    /// The gRPC code.
    #[prost(int32, tag = "1")]
    pub code: i32,
    /// For people.
    #[prost(string, tag = "2")]
    pub message: String,
    /// For programs.
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<RpcDetail>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
pub struct RpcDetail {
    /// Which message it is.
    #[prost(string, tag = "1")]
    pub type_url: String,
    /// The message.
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<ProtobufDuration>,
}

#[derive(Clone, PartialEq, Message)]
struct ProtobufDuration {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

impl RpcDetail {
    /// That the request may be sent again after `delay`: a `RetryInfo`.
    pub fn retry_after(delay: Duration) -> RpcDetail {
        RpcDetail { type_url: RETRY_INFO_TYPE.to_owned(), value: retry_info(delay) }
    }
}

impl RpcStatus {
    /// After which time the request may be sent again, if it says so.
    pub fn retry_delay(&self) -> Option<Duration> {
        let info = self.details.iter().find(|detail| detail.type_url == RETRY_INFO_TYPE)?;
        let delay = RetryInfo::decode(info.value.as_slice()).ok()?.retry_delay?;
        let (seconds, nanos) = (u64::try_from(delay.seconds).ok()?, u32::try_from(delay.nanos).ok()?);
        (nanos < 1_000_000_000).then(|| Duration::new(seconds, nanos))
    }
}

/// The encoded `RetryInfo`.
pub(crate) fn retry_info(delay: Duration) -> Vec<u8> {
    let seconds = i64::try_from(delay.as_secs()).unwrap_or(i64::MAX);
    let nanos = delay.subsec_nanos() as i32;
    RetryInfo { retry_delay: Some(ProtobufDuration { seconds, nanos }) }.encode_to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_read_as_they_were_written_and_nonsense_is_none() {
        let delay = Duration::from_millis(1_250);
        let status = RpcStatus { details: vec![RpcDetail::retry_after(delay)], ..RpcStatus::default() };
        assert_eq!(status.retry_delay(), Some(delay));
        for (seconds, nanos) in [(-1, 0), (1, -1), (1, 1_000_000_000), (i64::MAX, i32::MAX)] {
            let value = RetryInfo { retry_delay: Some(ProtobufDuration { seconds, nanos }) }.encode_to_vec();
            let detail = RpcDetail { type_url: RETRY_INFO_TYPE.to_owned(), value };
            assert_eq!(RpcStatus { details: vec![detail], ..RpcStatus::default() }.retry_delay(), None);
        }
        assert_eq!(RpcStatus::default().retry_delay(), None);
    }
}
