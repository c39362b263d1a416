use proptest::prelude::*;

use super::*;

const OVER_TCP: Asker = Asker::OverTheNetwork;

fn asked(request: &str) -> Result<Option<Wants>, Refused> {
    parse(request.as_bytes(), OVER_TCP)
}

#[test]
fn what_prometheus_and_curl_send_is_answered() {
    for request in [
        "GET /metrics HTTP/1.1\r\nHost: localhost:9811\r\nUser-Agent: Prometheus/2.42.0\r\n\
         Accept: application/openmetrics-text;version=1.0.0,*/*;q=0.1\r\nAccept-Encoding: gzip\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:9811\r\nAccept: */*\r\n\r\n",
        "GET /metrics?target=x HTTP/1.1\r\nhost: [::1]:9811\r\n\r\n",
        "GET /metrics HTTP/1.0\r\n\r\n",
    ] {
        assert_eq!(asked(request), Ok(Some(Wants::All)), "{request}");
    }
    assert_eq!(
        asked("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        Ok(Some(Wants::Headers))
    );
}

#[test]
fn anything_else_is_refused() {
    for (request, refused) in [
        ("GET / HTTP/1.1\r\n\r\n", ELSEWHERE),
        ("GET /metrics/../socket HTTP/1.1\r\n\r\n", ELSEWHERE),
        ("GET http://localhost/metrics HTTP/1.1\r\n\r\n", ELSEWHERE),
        (
            "POST /metrics HTTP/1.1\r\nContent-Length: 1\r\n\r\n",
            NOT_READ,
        ),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", MALFORMED),
        ("\u{16}\u{3}\u{1}", MALFORMED),
        ("GET /metrics\r\n\r\n", MALFORMED),
    ] {
        assert_eq!(asked(request), Err(refused), "{request}");
    }
    let many = "A: b\r\n".repeat(MOST_HEADERS + 1);
    assert_eq!(
        asked(&format!("GET /metrics HTTP/1.1\r\n{many}\r\n")),
        Err(TOO_LARGE)
    );
}

#[test]
fn a_page_whose_name_leads_here_is_told_nothing() {
    for host in [
        "portal.example:9811",
        "127.0.0.1.portal.example",
        "192.0.2.1",
        "localhost.portal.example",
        "",
        "portal.example\r\nHost: localhost",
    ] {
        let request = format!("GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n");

        assert_eq!(asked(&request), Err(MISDIRECTED), "{host}");
        assert!(parse(request.as_bytes(), Asker::OverASocket).is_ok());
    }
}

#[test]
fn what_is_not_there_yet_is_waited_for() {
    let whole = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";

    for length in 0..whole.len() {
        assert_eq!(asked(&whole[..length]), Ok(None), "{length}");
    }
}

#[test]
fn an_answer_says_how_long_it_is_and_that_it_is_the_last() {
    let text = answer(Wants::All, "cacd_up 1\n");

    assert_eq!(
        text,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Length: 10\r\nConnection: close\r\n\r\ncacd_up 1\n"
    );
    let headers = answer(Wants::Headers, "cacd_up 1\n");
    assert!(headers.ends_with("Content-Length: 10\r\nConnection: close\r\n\r\n"));
}

proptest! {
    #[test]
    fn whatever_comes_is_refused_in_order(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let whole = parse(&bytes, OVER_TCP);

        prop_assert_ne!(whole, Ok(Some(Wants::All)));
    }

    #[test]
    fn whatever_follows_a_good_beginning_is_taken_or_refused(tail in ".{0,300}") {
        let request = format!("GET /metrics HTTP/1.1\r\n{tail}\r\n\r\n");

        // Nothing to hold it against but that it ends.
        let _ = parse(request.as_bytes(), OVER_TCP);
    }
}
