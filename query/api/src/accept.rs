//! Which of the available media types a client wants, by its `Accept` header (RFC 9110, section 12.5.1).

use axum::http::{HeaderMap, header};

use crate::error::{ApiError, excerpt};

/// The most preferred of `available`, the first of them when the client does not care.
pub fn preferred(
    headers: &HeaderMap,
    available: &[&'static str],
    listed: &'static str,
) -> Result<&'static str, ApiError> {
    let header: Vec<&str> = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let header = header.join(",");
    let mut best: Option<(&'static str, f32)> = None;
    for media_type in available {
        let quality = if header.trim().is_empty() { 1.0 } else { quality_of(media_type, &header) };
        if quality > best.map_or(0.0, |(_, quality)| quality) {
            best = Some((media_type, quality));
        }
    }
    best.map(|(media_type, _)| media_type)
        .ok_or_else(|| ApiError::NotAcceptable { accepted: excerpt(&header), available: listed })
}

/// The quality that the most specific matching range gives to `media_type`; 0 when none matches.
fn quality_of(media_type: &str, header: &str) -> f32 {
    let mut found = (0, 0.0);
    for range in header.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let specificity = specificity(parts.next().unwrap_or_default(), media_type);
        let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let quality = quality.map_or(1.0, |text| text.parse::<f32>().unwrap_or(0.0).clamp(0.0, 1.0));
        if specificity > found.0 {
            found = (specificity, quality);
        }
    }
    found.1
}

/// How closely a range names a media type: 0 not at all, 3 exactly.
fn specificity(range: &str, media_type: &str) -> u8 {
    if range.eq_ignore_ascii_case(media_type) {
        return 3;
    }
    match range.split_once('/') {
        Some(("*", "*")) => 1,
        Some((kind, "*")) if media_type.split('/').next().is_some_and(|known| known.eq_ignore_ascii_case(kind)) => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(accept: Option<&str>) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(header::ACCEPT, accept.parse().expect("a header"));
        }
        preferred(&headers, &["application/json", "application/x-protobuf"], "").ok()
    }

    #[test]
    fn the_first_is_given_to_who_does_not_care() {
        for accept in [None, Some(""), Some("*/*"), Some("application/*"), Some("text/html,*/*;q=0.8")] {
            assert_eq!(choice(accept), Some("application/json"), "{accept:?}");
        }
    }

    #[test]
    fn what_is_asked_for_is_given() {
        for accept in [
            "application/x-protobuf",
            "Application/X-Protobuf",
            "application/json;q=0.5, application/x-protobuf",
            "application/json;q=0, */*",
            "*/*;q=0.1, application/x-protobuf;q=0.2",
        ] {
            assert_eq!(choice(Some(accept)), Some("application/x-protobuf"), "{accept}");
        }
    }

    #[test]
    fn what_is_not_there_is_refused() {
        for accept in ["text/html", "application/json;q=0", "image/*"] {
            assert_eq!(choice(Some(accept)), None, "{accept}");
        }
    }
}
