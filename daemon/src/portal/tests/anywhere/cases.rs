//! What a portal may answer, and how it may write where people are to go.

use proptest::prelude::*;
use proptest::sample::select;

use super::super::ACCOUNT;

/// What the profile names, as a proxy is asked for it.
pub(super) const INSIDE: [(&str, u16); 4] = [
    ("portal.example.mil", 443),
    ("accounts.example.mil", 8443),
    ("xn--bcher-kva.example.mil", 443),
    ("[2001:db8::1]", 8443),
];

/// What it does not.
const OUTSIDE: [(&str, u16); 10] = [
    ("evil.example.com", 443),
    ("portal.example.mil", 8443),
    ("accounts.example.mil", 443),
    ("portal.example.mil.evil.example.com", 443),
    ("evilportal.example.mil", 443),
    ("example.mil", 443),
    ("[2001:db8::1]", 443),
    ("[::ffff:7f00:1]", 8443),
    ("b\u{fc}cher.example.com", 443),
    // With a letter that is Cyrillic.
    ("p\u{43e}rtal.example.mil", 443),
];

const PATHS: [&str; 5] = ["/", "/sign-in", "/a/b", "/a/", "/ab?x=//evil.example.com"];

#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) is_tls13: bool,
    /// Which of [`INSIDE`] ask for the certificate.
    pub(super) asks: [bool; 4],
    pub(super) answers: Vec<Answer>,
}

#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) cookies: Vec<SetCookie>,
    pub(super) header: &'static str,
    pub(super) does: Does,
}

#[derive(Debug, Clone)]
pub(super) enum Does {
    Redirect {
        status: u16,
        to: String,
    },
    Form {
        action: String,
        base: Option<String>,
        sent: Sent,
    },
    Page {
        status: &'static str,
        body: String,
    },
    Junk,
    Close,
}

/// What sends a form.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sent {
    OnLoad,
    ForThoseWithoutScripts,
    /// It belongs to a notice that a person has accepted.
    Accepted,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct SetCookie {
    pub(super) name: &'static str,
    pub(super) domain: Option<&'static str>,
    pub(super) path: Option<&'static str>,
    pub(super) life: Option<&'static str>,
}

impl SetCookie {
    pub(super) fn written(&self, value: &str) -> String {
        let mut text = format!("Set-Cookie: {}={value}", self.name);
        let attributes = [
            ("Domain", self.domain),
            ("path", self.path),
            ("Max-Age", self.life),
        ];
        for (name, value) in attributes {
            text.extend(value.map(|value| format!("; {name}={value}")));
        }
        text + "; Secure\r\n"
    }
}

/// `traps` are hosts of this machine.
pub(super) fn cases(traps: &[(&'static str, u16)]) -> impl Strategy<Value = Case> {
    let outside = [&OUTSIDE, traps].concat();
    let answers = proptest::collection::vec(answer(&outside), 1..14);
    // One that does not ask leaves nobody with a signature, so most do.
    let asks = prop_oneof![3 => Just([true; 4]), 1 => any::<[bool; 4]>()];
    (any::<bool>(), asks, answers).prop_map(|(is_tls13, asks, answers)| Case {
        is_tls13,
        asks,
        answers,
    })
}

fn answer(outside: &[(&'static str, u16)]) -> impl Strategy<Value = Answer> + use<> {
    let header = prop_oneof![
        6 => Just(""),
        1 => Just("Connection: close\r\n"),
        1 => Just("Refresh: 0; url=https://evil.example.com/\r\n"),
        1 => Just("Alt-Svc: h2=\"evil.example.com:443\", h3=\":443\"\r\n"),
        1 => Just("Link: <https://evil.example.com/x>; rel=preload\r\n"),
        1 => Just("Content-Location: https://evil.example.com/\r\n"),
        1 => Just("Retry-After: 1\r\n"),
    ];
    let sent = select(vec![
        Sent::OnLoad,
        Sent::ForThoseWithoutScripts,
        Sent::Accepted,
    ]);
    let base = proptest::option::weighted(0.3, place(outside));
    let does = prop_oneof![
        12 => (select(vec![301, 302, 303, 307, 308]), place(outside))
            .prop_map(|(status, to)| Does::Redirect { status, to }),
        // No redirects, whatever their headers say.
        1 => (select(vec![201, 300, 304, 305, 306, 399]), place(outside))
            .prop_map(|(status, to)| Does::Redirect { status, to }),
        12 => (place(outside), base, sent)
            .prop_map(|(action, base, sent)| Does::Form { action, base, sent }),
        2 => (select(vec!["200 OK", "403 Forbidden", "404 Not Found", "503 Busy"]), place(outside))
            .prop_map(|(status, to)| Does::Page { status, body: pointing_to(&to) }),
        1 => Just(Does::Page { status: "200 OK", body: ACCOUNT.into() }),
        1 => Just(Does::Junk),
        1 => Just(Does::Close),
    ];
    let cookies = proptest::collection::vec(cookie(), 0..4);
    (cookies, header, does).prop_map(|(cookies, header, does)| Answer {
        cookies,
        header,
        does,
    })
}

/// A page whose every part wants something from there.
fn pointing_to(place: &str) -> String {
    format!(
        "<title>Elsewhere</title><meta http-equiv=refresh content=\"0;url={place}\">\
         <link rel=stylesheet href=\"{place}\"><script src=\"{place}\"></script>\
         <img src=\"{place}\"><iframe src=\"{place}\"></iframe>\
         <form action=\"{place}\"><input name=user></form>"
    )
}

fn cookie() -> impl Strategy<Value = SetCookie> {
    let domains = [
        "portal.example.mil",
        ".accounts.example.mil",
        ".EXAMPLE.mil",
        "example.mil",
        "le.mil",
        "mil",
        "evil.example.com",
        "xn--bcher-kva.example.mil",
        "b\u{fc}cher.example.mil",
        "[2001:db8::1]",
        "2001:db8::1",
        "portal.example.mil.",
        "evil.portal.example.mil",
        ".",
        "",
    ];
    let domain = proptest::option::of(select(domains.to_vec()));
    let path = proptest::option::of(select(vec!["/", "/a", "/a/", "/sign", "x", ""]));
    let life = proptest::option::weighted(0.2, select(vec!["0", "-1", "60"]));
    let name = select(vec!["a", "b", "c", "__Host-d", "__Secure-e"]);
    (name, domain, path, life).prop_map(|(name, domain, path, life)| SetCookie {
        name,
        domain,
        path,
        life,
    })
}

/// Mostly one that people can be sent on to.
fn place(outside: &[(&'static str, u16)]) -> impl Strategy<Value = String> + use<> {
    let anywhere = [&INSIDE, outside].concat();
    let plain = (select(INSIDE.to_vec()), 0..4usize, select(PATHS.to_vec()));
    let any = (select(anywhere), 0..SPELLINGS, select(PATHS.to_vec()));
    let written = |((host, port), spelling, path): ((&str, u16), usize, &str)| {
        spelled(spelling, host, port, path)
    };
    prop_oneof![10 => plain.prop_map(written), 4 => any.prop_map(written)]
}

const SPELLINGS: usize = 32;

/// The first four are plain.
fn spelled(spelling: usize, host: &str, port: u16, path: &str) -> String {
    let at = format!("{host}:{port}");
    let big = host.to_uppercase();
    let other = port.wrapping_add(1);
    let numbers = "https://2130706433";
    match spelling {
        0 => format!("https://{at}{path}"),
        1 => format!("//{at}{path}"),
        2 => format!("HTTPS://{big}:{port}{path}"),
        3 => path.to_owned(),
        4 => format!("https://user:secret@{at}{path}"),
        5 => format!("https://portal.example.mil@{at}{path}"),
        6 => format!("https://portal.example.mil:443\\@{at}{path}"),
        7 => format!("https://portal.example.mil#@{at}{path}"),
        8 => format!("https://portal.example.mil?@{at}{path}"),
        9 => format!("https:\\\\{at}{path}"),
        10 => format!("\\\\{at}{path}"),
        11 => format!("/\\{at}{path}"),
        12 => format!("https:{at}{path}"),
        13 => format!("https:/{at}{path}"),
        14 => format!("////{at}{path}"),
        15 => format!("https:///\\{at}{path}"),
        16 => format!("https://{host}.:{port}{path}"),
        17 => format!("https://{host}:{other}{path}"),
        18 => format!("https://{host}{path}"),
        19 => format!("https://{host}:{path}"),
        20 => format!("https://{host}:000{port}{path}"),
        21 => format!("http://{at}{path}"),
        22 => format!("https://{}:{port}{path}", host.replace('.', "%2E")),
        23 => format!("https://{}:{port}{path}", host.replace('.', "\u{3002}")),
        24 => format!("https://{}:{port}{path}", wide(host)),
        25 => format!("https://{}:{port}{path}", host.replace('r', "r\u{ad}")),
        26 => format!("ht\ttps://{}:{port}{path}", host.replace('r', "r\t")),
        27 => format!("  \n https://{at}{path} \n"),
        28 => format!("blob:https://{at}{path}"),
        29 => format!("javascript:location='https://{at}{path}'"),
        30 => format!("wss://{at}{path}"),
        _ => format!("{numbers}:{port}{path}"),
    }
}

/// In letters as wide as Chinese ones, which a browser takes for the usual.
fn wide(host: &str) -> String {
    let wide = |letter: char| match letter {
        'a'..='z' => char::from_u32(u32::from(letter) - u32::from('a') + 0xFF41).unwrap(),
        other => other,
    };
    host.chars().map(wide).collect()
}
