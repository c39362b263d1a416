//! Whether each portal can be reached from this machine, and is who it says.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use cac_common::client::Client;
use cac_common::snapshot::Portal;
use cac_common::x509::Certificate;
use cac_common::{bounded_file, bundle};
use rustix::fs::{MemfdFlags, memfd_create};
use tokio::runtime::Handle;

use super::anywhere::any;
use super::child::{self, ChildError, Said};
use super::look::Place;
use super::machine::read;
use super::outcome::{Outcome, Told, outcomes};
use super::{By, Check, Found};

pub(super) const CHECK: Check = Check {
    name: "portal-reached",
    title: "the portals can be reached",
    meaning: "Each portal that is enabled was called from this machine, without the card: its name \
         is known, something answers there, and its certificate leads up to an authority that its \
         profile trusts, or the system's. No page was asked for.",
    after: &["portals"],
    by: By::Machine(portals),
    outcomes: portals::ALL,
};

/// Of looking up a name, of one connection, of the daemon's answer, and of openssl.
const NAMING: Duration = Duration::from_secs(2);
const CONNECTING: Duration = Duration::from_millis(1500);
const ANSWER: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_secs(3);

/// Of one portal: less than a check may take in all.
const ALL: Duration = Duration::from_secs(6);

/// Of one file of anchors.
const LONGEST_ANCHORS: u64 = 4 * 1024 * 1024;

/// More are not called at once.
const MOST_PORTALS: usize = 16;

/// Addresses of one name that are tried.
const MOST_ADDRESSES: usize = 2;

/// What openssl says at the end (openssl-verification-options(1)).
const VERDICT: &str = "Verify return code: ";

const NETWORK: &str = "Check the network and the VPN: can a browser open it? If so, a proxy may be needed \
     (cacd.toml). If it lasts, ask the portal's help desk.";
const BY_CURL: &str = "curl --head https://{server}/";
const NAMES: &str = "getent ahosts {host}";

outcomes! {
    portals {
        NO_PICTURE: Outcome::not_applicable("which there are is not known");
        PROXY: Outcome::not_applicable("cacd goes through a proxy");
        NO_ADDRESS: Outcome::failed("{origin} is no address of a server")
            .mended("Mend the origin in its profile.");
        NO_NAME: Outcome::failed("the name {host} is not known")
            .by(super::NETWORK, super::NAMES);
        NO_ADDRESSES: Outcome::failed("the name {host} has no address")
            .by(super::NETWORK, super::NAMES);
        SLOW_NAMES: Outcome::failed("the name {host} was not found within {seconds} s").by(
            "The servers for names (DNS) do not answer, or slowly: the network or the VPN is not up \
             yet, or names the wrong ones. Nothing is said of the portal itself.",
            super::NAMES,
        );
        REFUSED: Outcome::failed("nothing listens at {server}")
            .by(super::NETWORK, super::BY_CURL);
        SILENT: Outcome::failed("{server} does not answer").by(super::NETWORK, super::BY_CURL);
        AWAY: Outcome::failed("{server}: {why}").by(super::NETWORK, super::BY_CURL);
        NO_PROFILE: Outcome::unknown("{why}");
        NO_ANCHORS: Outcome::unknown("{server} answers; {why}");
        NO_OPENSSL: Outcome::unknown("{server} answers; there is no openssl to look at it");
        NOT_TOLD: Outcome::unknown("{server} answers; openssl: {why}");
        TRUSTED: Outcome::fine("{server} answers, and its certificate is trusted");
        NOT_TRUSTED: Outcome::failed("the certificate of {server} is not trusted: {why}").by(
            "Do not go on with a browser either before it is known why. The profile may name the \
             wrong trust anchors, the clock be wrong, or somebody stand in between.",
            "openssl s_client -connect {server}",
        );
        NO_CERTIFICATE: Outcome::warning("{server} answers, and shows no certificate").by(
            "It may speak no TLS, or only with a certificate first.",
            "openssl s_client -connect {server}",
        );
    }
}

fn portals(place: &Place) -> Vec<Found> {
    let Some(picture) = &place.picture else {
        return vec![portals::NO_PICTURE.found()];
    };
    let enabled = picture.portals.iter().filter(|portal| portal.enabled);
    if has_a_proxy(place) {
        return vec![portals::PROXY.found()];
    }
    let runtime = Handle::try_current().ok();
    std::thread::scope(|scope| {
        let runtime = runtime.as_ref();
        let called: Vec<_> = enabled
            .take(MOST_PORTALS)
            .map(|portal| {
                let called = scope.spawn(move || called(place, runtime, portal));
                (portal, called)
            })
            .collect();
        let found = called.into_iter().map(|(portal, called)| {
            let found = called.join();
            let found = found.unwrap_or_else(|_| any::BROKE.found());
            found.about(&portal.name, &portal.title)
        });
        found.collect()
    })
}

/// The daemon's, where its configuration can be read, or the environment's.
fn has_a_proxy(place: &Place) -> bool {
    let text = read(&place.root.join("etc/cacd/cacd.toml")).unwrap_or_default();
    let is_set = |line: &str| {
        let line = line.trim_start();
        line.starts_with("proxy") || line.starts_with("[proxy")
    };
    let names = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    text.lines().any(is_set) || names.iter().any(|name| std::env::var_os(name).is_some())
}

fn called(place: &Place, runtime: Option<&Handle>, portal: &Portal) -> Found {
    let Some(server) = Server::of(&portal.origin) else {
        return portals::NO_ADDRESS.told(&[("origin", &portal.origin)]);
    };
    let end = now() + ALL;
    if let Err(away) = server
        .addresses(NAMING, resolved)
        .and_then(|it| server.connected(&it))
    {
        return *away;
    }
    let anchors = match anchors(place, runtime, &portal.name) {
        Ok(anchors) => anchors,
        Err(why) => return portals::NO_PROFILE.told(&[("why", &why)]),
    };
    server.looked_at(&anchors, LIMIT.min(end.saturating_duration_since(now())))
}

#[expect(
    clippy::disallowed_methods,
    reason = "other programs are given what is left of the time of this check"
)]
fn now() -> Instant {
    Instant::now()
}

fn resolved(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok((host, port).to_socket_addrs()?.collect())
}

/// Where a portal is called.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Server {
    /// A name, or an address without brackets.
    host: String,
    port: u16,
}

/// With brackets around an address of IPv6.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

impl Server {
    /// `https://host:443/…`.
    fn of(origin: &str) -> Option<Self> {
        let rest = origin.strip_prefix("https://")?;
        let authority = rest.split('/').next()?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (authority, 443),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        // It stands on a command line.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
        let is_host = !host.is_empty() && !host.starts_with('-') && host.chars().all(is_plain);
        let host = host.to_owned();
        is_host.then_some(Self { host, port })
    }

    fn told(&self, outcome: Outcome) -> Found {
        outcome.told(&[("host", &self.host), ("server", self)])
    }

    /// Whoever looks up names takes as long as they like: the thread is left to them.
    fn addresses(
        &self,
        limit: Duration,
        resolved: impl FnOnce(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + 'static,
    ) -> Result<Vec<SocketAddr>, Box<Found>> {
        if let Ok(address) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, self.port)]);
        }
        let (tell, told) = mpsc::channel();
        let (host, port) = (self.host.clone(), self.port);
        std::thread::spawn(move || {
            // It was given up meanwhile.
            let _ = tell.send(resolved(&host, port));
        });
        match told.recv_timeout(limit) {
            Ok(Ok(addresses)) if addresses.is_empty() => {
                Err(self.told(portals::NO_ADDRESSES).into())
            }
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(_)) => Err(self.told(portals::NO_NAME).into()),
            Err(_) => {
                let seconds = limit.as_secs();
                let told: &Told<'_> = &[("host", &self.host), ("seconds", &seconds)];
                Err(portals::SLOW_NAMES.told(told).into())
            }
        }
    }

    fn connected(&self, addresses: &[SocketAddr]) -> Result<(), Box<Found>> {
        let mut last = self.told(portals::NO_ADDRESSES);
        for address in addresses.iter().take(MOST_ADDRESSES) {
            let Err(error) = TcpStream::connect_timeout(address, CONNECTING) else {
                return Ok(());
            };
            last = self.away(&error);
        }
        Err(last.into())
    }

    fn away(&self, error: &io::Error) -> Found {
        let known = [
            (io::ErrorKind::ConnectionRefused, portals::REFUSED),
            (io::ErrorKind::TimedOut, portals::SILENT),
        ];
        let known = known.iter().find(|(kind, _)| *kind == error.kind());
        let outcome = known.map_or(portals::AWAY, |(_, outcome)| *outcome);
        outcome.told(&[("server", self), ("why", error)])
    }

    /// By openssl: whether its certificate is named for it, and trusted.
    fn looked_at(&self, anchors: &[String], limit: Duration) -> Found {
        let together = match together(anchors) {
            Ok(together) => together,
            Err(why) => return portals::NO_ANCHORS.told(&[("server", self), ("why", &why)]),
        };
        let mut command = Command::new("openssl");
        command.arg("s_client").args(self.arguments());
        if let Some(file) = &together {
            // cacd takes any certificate that is named for an anchor.
            command.args(["-partial_chain", "-CAfile"]);
            command.arg(format!("/proc/self/fd/{}", file.as_raw_fd()));
        }
        judge(child::said(command, limit).as_ref(), &self.to_string())
    }

    /// An address is no name to be asked for (RFC 6066, 3), and stands in a
    /// certificate as an address.
    fn arguments(&self) -> Vec<String> {
        let connect = ["-connect".to_owned(), self.to_string()];
        let host = || self.host.clone();
        let named = if self.host.parse::<IpAddr>().is_ok() {
            vec!["-noservername".into(), "-verify_ip".into(), host()]
        } else {
            let [name, verify] = ["-servername", "-verify_hostname"].map(str::to_owned);
            vec![name, host(), verify, host()]
        };
        connect.into_iter().chain(named).collect()
    }
}

/// Of the profile; the system's where it names none.
fn anchors(place: &Place, runtime: Option<&Handle>, name: &str) -> Result<Vec<String>, String> {
    let Some(runtime) = runtime else {
        return Err("its profile cannot be asked for".into());
    };
    let asked = async {
        let details = async { Client::connect(&place.socket).await?.portal(name).await };
        tokio::time::timeout(ANSWER, details).await
    };
    match runtime.block_on(asked) {
        Ok(Ok(details)) => Ok(details.trust_anchors),
        Ok(Err(error)) => Err(format!("its profile cannot be asked for: {error}")),
        Err(_) => Err("its profile did not come".into()),
    }
}

/// All anchors in one file of no folder, as PEM: openssl takes one alone.
fn together(anchors: &[String]) -> Result<Option<OwnedFd>, String> {
    if anchors.is_empty() {
        return Ok(None);
    }
    let mut text = String::new();
    for path in anchors {
        let bytes = bounded_file::read(Path::new(path), LONGEST_ANCHORS)
            .map_err(|error| format!("{path} cannot be read: {error}"))?;
        let certificates = bundle::read(&bytes).map_err(|fault| format!("{path}: {fault}"))?;
        text.extend(certificates.iter().map(Certificate::pem));
    }
    // openssl is to inherit it.
    let written = memfd_create("anchors", MemfdFlags::empty()).and_then(|file| {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            rest = &rest[rustix::io::write(&file, rest)?..];
        }
        Ok(file)
    });
    written
        .map(Some)
        .map_err(|error| format!("its anchors cannot be handed on: {error}"))
}

fn judge(said: Result<&Said, &ChildError>, server: &str) -> Found {
    let told = |outcome: Outcome| outcome.told(&[("server", &server)]);
    let said = match said {
        Ok(said) => &said.text,
        Err(ChildError::NotThere) => return told(portals::NO_OPENSSL),
        Err(error) => return portals::NOT_TOLD.told(&[("server", &server), ("why", error)]),
    };
    let verdict = said
        .lines()
        .rev()
        .find_map(|line| line.trim().strip_prefix(VERDICT));
    match verdict {
        Some(verdict) if verdict.starts_with("0 ") && !said.contains("no peer certificate") => {
            told(portals::TRUSTED)
        }
        Some(verdict) if !verdict.starts_with("0 ") => {
            let why = verdict.split_once('(').map_or(verdict, |(_, why)| why);
            let why = why.trim_end_matches(')');
            portals::NOT_TRUSTED.told(&[("server", &server), ("why", &why)])
        }
        Some(_) | None => told(portals::NO_CERTIFICATE),
    }
}

#[cfg(test)]
pub(super) mod tests;
