use super::*;

fn parse(query: &str) -> Result<Params, ApiError> {
    Params::parse(Some(query), &[&Q, &START, &END, &LIMIT, &CURSOR])
}

fn message(result: Result<impl std::fmt::Debug, ApiError>) -> String {
    result.expect_err("an error").to_string()
}

#[test]
fn values_are_decoded_as_forms_are() {
    let params = parse("q=a+b%26%22c%22%C3%BC&limit=5").expect("legal");
    assert_eq!(params.text(&Q), "a b&\"c\"ü");
    assert_eq!(params.count(&LIMIT), Ok(5));
}

#[test]
fn an_unknown_parameter_is_an_error_that_names_the_nearest() {
    assert_eq!(message(parse("limmit=5")), "unknown parameter \"limmit\": did you mean \"limit\"?");
    assert_eq!(message(parse("Limit=5")), "unknown parameter \"Limit\": did you mean \"limit\"?");
    assert_eq!(message(parse("xyz")), "unknown parameter \"xyz\": there are q, start, end, limit, cursor");
    assert_eq!(message(Params::parse(Some("a=1"), &[])), "unknown parameter \"a\": there are none here");
}

#[test]
fn a_repeated_parameter_is_an_error() {
    assert_eq!(message(parse("q=a&q=b")), "parameter q is given more than once: give it once");
}

#[test]
fn a_missing_parameter_is_named() {
    let error = message(Params::parse(None, &[&SIGNAL]));
    assert_eq!(error, "parameter signal is missing: expected for example traces");
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    assert!(message(parse("q=%ff")).starts_with("parameter q: \"%ff\" is wrong: expected UTF-8"));
}

#[test]
fn counts_are_bounded() {
    for text in ["0", "1001", "-1", "ten", "1.5", "99999999999999999999999"] {
        let error = message(parse(&format!("limit={text}")).expect("known").count(&LIMIT));
        assert_eq!(error, format!("parameter limit: {text:?} is wrong: expected a whole number from 1 to 1000"));
    }
    assert_eq!(parse("limit=1000").expect("known").count(&LIMIT), Ok(1_000));
    assert_eq!(parse("limit=").expect("known").count(&LIMIT), Ok(100));
}

#[test]
fn a_search_is_bounded_and_the_error_is_not_as_long_as_it() {
    let long = "x".repeat(SEARCH_BYTES_MAX + 1);
    let error = message(parse(&format!("q={long}")));
    assert!(error.ends_with("expected at most 65536 bytes, not 65537") && error.len() < 300, "{error}");
    assert!(parse(&format!("q={}", &long[1..])).is_ok());
}

#[test]
fn the_range_is_the_last_hour_unless_given() {
    let now = UnixNanos(1_700_000_000_000_000_000);
    let hour = 3_600_000_000_000;
    let range = |query| parse(query).and_then(|params| params.time_range(now));
    assert_eq!(range(""), Ok(TimeRange { start: now.saturating_sub(hour), end: now }));
    let earlier = now.saturating_sub(2 * hour);
    assert_eq!(range("end=now-2h"), Ok(TimeRange { start: earlier.saturating_sub(hour), end: earlier }));
    assert_eq!(range("start=1699992800"), Ok(TimeRange { start: earlier, end: now }));
}

#[test]
fn a_range_that_ends_before_it_starts_is_an_error() {
    let now = UnixNanos(1_700_000_000_000_000_000);
    let error = message(parse("start=now&end=now-1h").expect("known").time_range(now));
    assert!(error.starts_with("parameter start: \"now\" is wrong: expected a time before the end"), "{error}");
    let error = message(parse("start=yesterday").expect("known").time_range(now));
    assert!(error.starts_with("parameter start: \"yesterday\" is wrong: expected a point in time"), "{error}");
}

#[test]
fn names_are_split_at_commas_outside_quotes() {
    let names = |text: &str| {
        let params = Params::parse(Some(&format!("fields={text}")), &[&FIELDS])?;
        params.names(&FIELDS)
    };
    assert_eq!(names("service,http.route"), Ok(vec!["service".to_owned(), "http.route".to_owned()]));
    assert_eq!(names("%22a,\\%22b%22,c"), Ok(vec!["\"a,\\\"b\"".to_owned(), "c".to_owned()]));
    assert!(message(names("a,,b")).contains("expected names of 1 to 1024 bytes"));
    assert!(message(names(&["x"; 51].join(","))).contains("at most 50 names, not 51"));
}
