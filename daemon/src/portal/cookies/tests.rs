//! Which cookies are taken, and where they go.

use super::*;

/// 2026-01-01
const NOW: UtcSeconds = UtcSeconds(1_767_225_600);

#[test]
fn a_cookie_goes_where_it_is_meant_to() {
    for (from, set, to, sent) in [
        (
            "https://a.portal.mil/x/y",
            "s=1",
            "https://a.portal.mil/x/z",
            Some("s=1"),
        ),
        (
            "https://a.portal.mil/x/y",
            "s=1",
            "https://a.portal.mil/xy",
            None,
        ),
        (
            "https://a.portal.mil/x",
            "s=1",
            "https://a.portal.mil:8443/",
            Some("s=1"),
        ),
        (
            "https://a.portal.mil/",
            "s=1",
            "https://b.portal.mil/",
            None,
        ),
        (
            "https://a.portal.mil/",
            "s=1",
            "https://x.a.portal.mil/",
            None,
        ),
        (
            "https://a.portal.mil/",
            "s=1; Domain=.Portal.MIL",
            "https://b.portal.mil/",
            Some("s=1"),
        ),
        (
            "https://a.portal.mil/",
            "s=1; domain=a.portal.mil",
            "https://x.a.portal.mil/",
            Some("s=1"),
        ),
        (
            "https://a.portal.mil/",
            "s=1; Domain=portal.mil",
            "https://badportal.mil/",
            None,
        ),
        (
            "https://a.portal.mil/x/y",
            "s=1; Path=/",
            "https://a.portal.mil/",
            Some("s=1"),
        ),
        (
            "https://a.portal.mil/x/y",
            "s=1; Path=junk",
            "https://a.portal.mil/x",
            Some("s=1"),
        ),
        ("https://a.portal.mil/", "=1", "https://a.portal.mil/", None),
        ("https://a.portal.mil/", "s", "https://a.portal.mil/", None),
        (
            "https://a.portal.mil/",
            " s = a=\"b\" ;x",
            "https://a.portal.mil/",
            Some("s=a=\"b\""),
        ),
    ] {
        let mut jar = Jar::default();

        jar.take(&url(from), &headers(&[set]), NOW);

        assert_eq!(text(&jar, to).as_deref(), sent, "{from} {set} {to}");
    }
}

#[test]
fn no_host_sets_a_cookie_for_another_or_for_all() {
    for (from, set, to, sent) in [
        (
            "https://a.portal.mil/",
            "s=1; Domain=b.portal.mil",
            "https://b.portal.mil/",
            None,
        ),
        (
            "https://a.portal.mil/",
            "s=1; Domain=other.mil",
            "https://other.mil/",
            None,
        ),
        (
            "https://a.portal.mil/",
            "s=1; Domain=mil",
            "https://b.portal.mil/",
            None,
        ),
        (
            "https://a.portal.mil/",
            "s=1; Domain=mil",
            "https://a.portal.mil/",
            None,
        ),
        (
            "https://a.example.co.uk/",
            "s=1; Domain=co.uk",
            "https://b.co.uk/",
            None,
        ),
        (
            "https://127.0.0.1/",
            "s=1; Domain=0.0.1",
            "https://127.0.0.1/",
            None,
        ),
        (
            "https://127.0.0.1/",
            "s=1; Domain=127.0.0.1",
            "https://127.0.0.1/",
            Some("s=1"),
        ),
        (
            "https://localhost/",
            "s=1; Domain=localhost",
            "https://localhost/",
            Some("s=1"),
        ),
        (
            "https://localhost/",
            "s=1; Domain=localhost",
            "https://x.localhost/",
            None,
        ),
        (
            "https://a.portal.mil/",
            "__Host-s=1; Domain=portal.mil",
            "https://a.portal.mil/",
            None,
        ),
    ] {
        let mut jar = Jar::default();

        jar.take(&url(from), &headers(&[set]), NOW);

        assert_eq!(text(&jar, to).as_deref(), sent, "{from} {set} {to}");
    }
}

#[test]
fn a_cookie_that_expired_takes_away_the_one_before() {
    for (again, is_gone) in [
        ("s=2; Max-Age=0", true),
        (
            "s=2; Max-Age=-5; Expires=Thu, 01 Jan 2099 00:00:00 GMT",
            true,
        ),
        ("s=2; Max-Age=99999999999999999999", false),
        (
            "s=2; Max-Age=5; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            false,
        ),
        ("s=2; Expires=Thu, 01-Jan-70 00:00:01 GMT", true),
        ("s=2; Expires=Wed Dec 31 23:59:59 2025", true),
        ("s=2; Expires=Thu, 01 Jan 2026 00:00:01 GMT", false),
        ("s=2; Expires=Thursday, 01-Jan-69 00:00:01 GMT", false),
        ("s=2; Expires=soon", false),
        ("s=2; Expires=Thu, 99 Foo 2025 00:00:61 GMT", false),
        ("s=2; Path=/other; Max-Age=0", false),
    ] {
        let mut jar = Jar::default();
        let at = url("https://a.portal.mil/");

        jar.take(&at, &headers(&["s=1"]), NOW);
        jar.take(&at, &headers(&[again]), NOW);

        assert_eq!(text(&jar, at.as_str()).is_none(), is_gone, "{again}");
    }
}

#[test]
fn the_clock_of_the_server_counts() {
    let mut jar = Jar::default();
    let at = url("https://a.portal.mil/");
    let mut headers = headers(&["s=1; Expires=Thu, 01 Jan 2015 00:20:00 GMT"]);
    headers.insert(
        header::DATE,
        "Thu, 01 Jan 2015 00:00:00 GMT".parse().unwrap(),
    );

    jar.take(&at, &headers, NOW);

    assert_eq!(text(&jar, at.as_str()).as_deref(), Some("s=1"));
}

#[test]
fn the_longest_path_goes_first_and_the_last_value_counts() {
    let mut jar = Jar::default();
    let at = url("https://a.portal.mil/x/y");

    jar.take(
        &at,
        &headers(&["a=1; Path=/", "b=1", "c=1; Path=/", "a=2; Path=/"]),
        NOW,
    );

    assert_eq!(text(&jar, at.as_str()).as_deref(), Some("b=1; a=2; c=1"));
}

#[test]
fn there_is_an_end_to_what_is_kept() {
    let mut jar = Jar::default();
    let at = url("https://a.portal.mil/");
    let large = format!("large={}", "x".repeat(LARGEST));
    let many: Vec<String> = (0..10_000).map(|n| format!("s{n}=1")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();

    jar.take(&at, &headers(&[&large]), NOW);
    jar.take(&at, &headers(&many), NOW);

    assert_eq!(jar.0.len(), MOST);
    assert!(!text(&jar, at.as_str()).unwrap().contains("large"));
}

#[test]
fn the_end_of_time_is_no_trouble() {
    assert!(Moment::of(UtcSeconds(i64::MAX)) > Moment::of(NOW));
    assert_eq!(
        Moment::of(UtcSeconds(-1)),
        Some(Moment([1970, 1, 1, 0, 0, 0]))
    );
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn headers(cookies: &[&str]) -> HeaderMap {
    let cookies = cookies
        .iter()
        .map(|it| (header::SET_COOKIE, it.parse().unwrap()));
    let mut headers = HeaderMap::new();
    for (name, value) in cookies {
        headers.append(name, value);
    }
    headers
}

fn text(jar: &Jar, to: &str) -> Option<String> {
    Some(jar.header(&url(to))?.to_str().unwrap().to_owned())
}
