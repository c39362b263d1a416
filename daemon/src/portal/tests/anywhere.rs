//! Whatever a portal answers, and wherever it wants to send people: nothing
//! leaves for an origin that its profile does not name.
//!
//! All ways lead through a proxy of the test, which is told of each before a
//! name is looked up or a byte goes there. What is behind it answers whatever
//! is asked of it, by the name it was asked by.

mod cases;

use std::collections::{BTreeMap, VecDeque};
use std::net::{SocketAddr, TcpListener as Trap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cac_common::cause::Kind as Why;
use cac_common::proxy::Proxy;
use cac_common::registration::Outcome;
use cac_common::trace::Trace;
use rustls::ServerConfig;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use self::cases::{Answer, Case, Does, INSIDE, Sent, SetCookie, cases};
use super::holder::{Holder, Kind};
use super::server::{self, Asks, Authority, Reply};
use super::{ACCOUNT, Limits, RULES, portal_at, sign_in_within};
use crate::portal::{Identity, Portal};
use crate::seeded;

const CASES: u32 = 600;
/// A page, and ten more that it leads to.
const MOST_REQUESTS: usize = 11;
const LIMITS: Limits = Limits {
    connect: Duration::from_secs(5),
    whole: Duration::from_secs(10),
};

/// Names [`INSIDE`], not always as it is written there.
const PORTAL: &str = "https://portal.example.mil";
const PROFILE: &str = "redirect_origins = [\"https://Accounts.example.mil:8443\", \
    \"https://b\u{fc}cher.example.mil\", \"https://[2001:db8:0::1]:8443\"]\n\
    [consent]\nselector = \"#notice\"\nform = \"form\"\n";
const NOTICE: &str = "You are using a system.";
/// The SHA-256 of that.
const ACCEPTED: &str = "8d837e13102c10055666d30247aa1176d849f9f49d998056ebbfec5abf330e85";

#[test]
fn nothing_goes_to_an_origin_not_named_whatever_a_portal_answers() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let world = runtime.block_on(World::new());
    let met = Mutex::new(Met::default());
    let traps = world.traps.iter().map(|(host, trap)| {
        let port = trap.local_addr().unwrap().port();
        (*host, port)
    });

    seeded::runner(CASES)
        .run(&cases(&traps.collect::<Vec<_>>()), |case| {
            met.lock().unwrap().count(&world.walk(&runtime, case));
            Ok(())
        })
        .unwrap();

    // Or it would hold of portals that send nobody anywhere.
    let met = met.into_inner().unwrap();
    println!("{met:?}");
    for count in [
        met.turned_away,
        met.long_walks,
        met.forms,
        met.cookies,
        met.registered,
    ] {
        assert!(count > CASES / 30, "{met:?}");
    }
}

/// How many cases had that in them.
#[derive(Debug, Default)]
struct Met {
    turned_away: u32,
    long_walks: u32,
    forms: u32,
    cookies: u32,
    registered: u32,
}

impl Met {
    fn count(&mut self, (outcome, requests): &(Outcome, Vec<String>)) {
        let is_away = matches!(
            outcome,
            Outcome::Unsupported { cause } if cause.kind == Why::RedirectsAway
        );
        let has = |mark| requests.iter().any(|it: &String| it.contains(mark));
        self.turned_away += u32::from(is_away);
        self.long_walks += u32::from(requests.len() > 3);
        self.forms += u32::from(has("POST "));
        self.cookies += u32::from(has("\r\ncookie: "));
        self.registered += u32::from(matches!(outcome, Outcome::Registered { .. }));
    }
}

/// What stays the same from case to case.
struct World {
    holder: Holder,
    portal: Portal,
    site: Arc<Mutex<Site>>,
    /// Hosts of this machine, to which nothing must come past the proxy.
    traps: Vec<(&'static str, Trap)>,
}

impl World {
    async fn new() -> Self {
        let ca = Authority::new("Test CA");
        let mut portal = portal_at(PORTAL, &ca, &format!("{PROFILE}{RULES}"));
        let site = Arc::<Mutex<Site>>::default();
        let address = start(&ca, Arc::clone(&site)).await;
        let proxy = Proxy::new(&format!("http://{address}"), Vec::new()).unwrap();
        portal.set_proxy(Some(Arc::new(proxy)));
        let traps = ["127.0.0.1", "[::1]", "localhost"].into_iter();
        let traps = traps.filter_map(|host| Some((host, Trap::bind(format!("{host}:0")).ok()?)));
        let traps: Vec<_> = traps.collect();
        for (_, trap) in &traps {
            trap.set_nonblocking(true).unwrap();
        }
        Self {
            holder: Holder::new(Kind::P256, &ca),
            portal,
            site,
            traps,
        }
    }

    /// One sign-in, held against what was promised.
    fn walk(&self, runtime: &Runtime, case: Case) -> (Outcome, Vec<String>) {
        *self.site.lock().unwrap() = Site {
            is_tls13: case.is_tls13,
            asks: case.asks,
            answers: case.answers.into(),
            ..Site::default()
        };
        let signed_before = self.holder.signed();
        let identity = Identity {
            accepted: vec![ACCEPTED.to_owned()],
            ..self.holder.identity()
        };
        let mut trace = Trace::default();
        let within = LIMITS.whole + Duration::from_secs(1);

        let outcome = runtime.block_on(async {
            let walk = sign_in_within(LIMITS, &self.portal, identity, &mut trace);
            tokio::time::timeout(within, walk).await
        });

        let outcome = outcome.expect("it ends in time").unwrap();
        let site = std::mem::take(&mut *self.site.lock().unwrap());
        assert_eq!(site.strange_ways, [""; 0], "asked of the proxy");
        assert_eq!(site.broken, [""; 0]);
        assert!(site.requests.len() <= MOST_REQUESTS, "{:?}", site.requests);
        for (host, trap) in &self.traps {
            let reached = trap.accept().map(|(_, from)| from).map_err(|it| it.kind());
            assert_eq!(reached, Err(std::io::ErrorKind::WouldBlock), "{host}");
        }
        let signed = self.holder.signed() - signed_before;
        assert!(signed <= site.asked, "{signed} of {}", site.asked);
        (outcome, site.requests)
    }
}

/// The proxy and all that is behind it.
#[derive(Default)]
struct Site {
    is_tls13: bool,
    asks: [bool; 4],
    answers: VecDeque<Answer>,
    /// Where else than to [`INSIDE`] somebody wanted to go.
    strange_ways: Vec<String>,
    /// Connections on which a certificate was asked for.
    asked: usize,
    requests: Vec<String>,
    /// By their values, each of which is given once.
    cookies: BTreeMap<String, Given>,
    /// What was promised, and how it was not kept.
    broken: Vec<String>,
}

/// A cookie, and who set it.
struct Given {
    cookie: SetCookie,
    host: &'static str,
    path: String,
}

impl Given {
    /// As RFC 6265, 5.1.3, 5.1.4 and 5.3 have it.
    fn may_go_to(&self, host: &str, path: &str) -> bool {
        let SetCookie {
            name,
            domain,
            path: own_path,
            life,
        } = self.cookie;
        let domain = domain.unwrap_or_default().trim_start_matches('.');
        let domain = domain.to_lowercase();
        let is_in = |host: &str| host == domain || host.ends_with(&format!(".{domain}"));
        let is_for_host = if domain.is_empty() {
            host == self.host
        } else {
            let is_top = !domain.contains(['.', ':']);
            !is_top && is_in(self.host) && is_in(host) && !name.starts_with("__Host-")
        };
        let folder = match self.path.rfind('/') {
            None | Some(0) => "/",
            Some(at) => &self.path[..at],
        };
        let own_path = own_path.filter(|it| it.starts_with('/')).unwrap_or(folder);
        let rest = path.strip_prefix(own_path);
        let is_for_path = rest.is_some_and(|rest| {
            own_path.ends_with('/') || rest.is_empty() || rest.starts_with('/')
        });
        is_for_host && is_for_path && !matches!(life, Some("0" | "-1"))
    }
}

impl Site {
    /// A request to one of [`INSIDE`], and the answer to it.
    fn ask(&mut self, to: usize, request: &str) -> Reply {
        let (host, port) = INSIDE[to];
        let path = request.split(' ').nth(1).unwrap();
        let path = path.split('?').next().unwrap().to_owned();
        self.requests.push(request.to_owned());
        let mut hosts = headers(request, "host");
        let is_named = hosts.next().is_some_and(|it| is_host(it, host, port));
        if !is_named || hosts.next().is_some() {
            self.broken.push(format!("asked for another: {request}"));
        }
        for cookies in headers(request, "cookie") {
            for (_, value) in cookies.split("; ").filter_map(|it| it.split_once('=')) {
                let given = self.cookies.get(value);
                if !given.is_some_and(|given| given.may_go_to(host, &path)) {
                    self.broken
                        .push(format!("the cookie {value} went to {host}{path}"));
                }
            }
        }
        let Some(answer) = self.answers.pop_front() else {
            return server::page(ACCOUNT);
        };
        let mut more = answer.header.to_owned();
        for cookie in answer.cookies {
            let value = format!("v{}", self.cookies.len());
            more.push_str(&cookie.written(&value));
            let path = path.clone();
            self.cookies.insert(value, Given { cookie, host, path });
        }
        reply(answer.does, &more)
    }
}

fn headers<'a>(request: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    let head = request.split("\r\n\r\n").next().unwrap();
    head.split("\r\n").filter_map(move |line| {
        let (other, value) = line.split_once(": ")?;
        other.eq_ignore_ascii_case(name).then_some(value)
    })
}

fn is_host(written: &str, host: &str, port: u16) -> bool {
    written == format!("{host}:{port}") || port == 443 && written == host
}

fn reply(does: Does, more: &str) -> Reply {
    match does {
        Does::Redirect { status, to } => server::status(
            &format!("{status} Go"),
            &format!("Location: {to}\r\n{more}"),
            "",
        ),
        Does::Form { action, base, sent } => {
            let base = base.map_or(String::new(), |base| format!("<base href=\"{base}\">"));
            let (onload, notice, button) = match sent {
                Sent::OnLoad => (" onload='document.forms[0].submit()'", "", ""),
                Sent::ForThoseWithoutScripts => {
                    ("", "", "<noscript><button>Go on</button></noscript>")
                }
                Sent::Accepted => ("", NOTICE, "<button>I accept</button>"),
            };
            let notice = match notice {
                "" => String::new(),
                text => format!("<p id=notice>{text}</p>"),
            };
            let page = format!(
                "{base}<title>Going on</title><body{onload}>{notice}\
                 <form method=post action=\"{action}\">\
                 <input type=hidden name=SAMLResponse value=secret>{button}</form>"
            );
            let html = "Content-Type: text/html; charset=utf-8\r\n";
            server::status("200 OK", &format!("{html}{more}"), &page)
        }
        Does::Page { status, body } => {
            let html = "Content-Type: text/html; charset=utf-8\r\n";
            server::status(status, &format!("{html}{more}"), &body)
        }
        Does::Junk => Reply::Bytes(b"HTTP/1.1 junk\r\n\r\n".to_vec()),
        Does::Close => Reply::Close,
    }
}

/// One for each of [`INSIDE`], each version, and whether it asks for a certificate.
type Configs = [[[Arc<ServerConfig>; 2]; 2]; 4];

async fn start(ca: &Authority, site: Arc<Mutex<Site>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let configs: Arc<Configs> = Arc::new(INSIDE.map(|(host, _)| {
        let host = host.trim_matches(['[', ']']);
        [&TLS12, &TLS13].map(|version| {
            [Asks::Never, Asks::Naming(ca)]
                .map(|asks| Arc::new(server::config_for(host, ca, version, &asks)))
        })
    }));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(lead(stream, Arc::clone(&configs), Arc::clone(&site)));
        }
    });
    address
}

async fn lead(mut stream: TcpStream, configs: Arc<Configs>, site: Arc<Mutex<Site>>) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else {
            return;
        };
        request.push(byte);
    }
    let request = String::from_utf8(request).unwrap();
    let way = request.strip_prefix("CONNECT ");
    let way = way.and_then(|it| it.split(' ').next()).unwrap_or(&request);
    let to = (INSIDE.iter()).position(|(host, port)| way == format!("{host}:{port}"));
    let config = {
        let mut site = site.lock().unwrap();
        if request.contains("ookie:") || request.contains("uthorization:") {
            site.broken.push(format!("told to the proxy: {request}"));
        }
        let Some(to) = to else {
            site.strange_ways.push(way.to_owned());
            return;
        };
        site.asked += usize::from(site.asks[to]);
        Arc::clone(&configs[to][usize::from(site.is_tls13)][usize::from(site.asks[to])])
    };
    let established = b"HTTP/1.1 200 Connection established\r\n\r\n";
    stream.write_all(established).await.unwrap();
    if let (Some(to), Ok(stream)) = (to, TlsAcceptor::from(config).accept(stream).await) {
        let reply = |request: &str| site.lock().unwrap().ask(to, request);
        server::serve(stream, &reply, &Mutex::default()).await;
    }
}
