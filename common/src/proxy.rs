//! The proxy that leads out of a closed network, and what it is not for.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use url::{Host, Url};

/// Asked by HTTP to pass on what is TLS from here to the portal, so it learns
/// no more than a host and a port.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// May hold a name and a password; `http`.
    address: Url,
    except: Vec<Except>,
}

/// Hosts that are reached without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Except {
    All,
    /// The first bits of an address.
    Network(IpAddr, u32),
    /// A host, and those below it; in lower case.
    Domain(String),
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a proxy is an address such as \"http://proxy.example:3128\"")]
pub struct NotAProxy;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "what needs no proxy is a host, a domain, an address, a network such as \"10.0.0.0/8\", or \"*\""
)]
pub struct NotAnExcept;

impl Proxy {
    pub fn new(address: &str, except: Vec<Except>) -> Result<Self, NotAProxy> {
        let has_scheme = address.contains("://");
        let scheme = if has_scheme { "" } else { "http://" };
        let address = Url::parse(&format!("{scheme}{address}")).map_err(|_| NotAProxy)?;
        let is_bare = address.path() == "/" && address.query().or(address.fragment()).is_none();
        if address.scheme() != "http" || !is_bare {
            return Err(NotAProxy);
        }
        Ok(Self { address, except })
    }

    /// As most programs take it from there: `https_proxy`, and `no_proxy`.
    pub fn of_the_environment(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, NotAProxy> {
        let either = |names: [&str; 2]| {
            let mut values = names.into_iter().filter_map(&variable);
            values.find(|value| !value.trim().is_empty())
        };
        let Some(address) = either(["https_proxy", "HTTPS_PROXY"]) else {
            return Ok(None);
        };
        let except = either(["no_proxy", "NO_PROXY"]).unwrap_or_default();
        // Others have their own ideas of what may stand there.
        let except = except.split([',', ' ']).filter_map(|it| it.parse().ok());
        Self::new(address.trim(), except.collect()).map(Some)
    }

    /// Whether the way to `url` leads through it.
    pub fn is_for(&self, url: &Url) -> bool {
        let host = url.host();
        host.is_some_and(|host| !self.except.iter().any(|it| it.covers(&host)))
    }

    /// With the name and the password, if it has any.
    pub fn address(&self) -> &Url {
        &self.address
    }
}

/// `proxy.example:3128`, without a name or a password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.address.host_str().unwrap_or_default();
        let port = self.address.port_or_known_default().unwrap_or_default();
        write!(f, "{host}:{port}")
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self}, {:?})", self.except)
    }
}

impl Except {
    fn covers(&self, host: &Host<&str>) -> bool {
        let network = |ip| match self {
            Self::All => true,
            Self::Network(network, bits) => is_within(ip, *network, *bits),
            Self::Domain(_) => false,
        };
        match (self, host) {
            (Self::Domain(domain), Host::Domain(name)) => name
                .strip_suffix(domain.as_str())
                .is_some_and(|front| front.is_empty() || front.ends_with('.')),
            (Self::All | Self::Network(..), Host::Domain(_)) => *self == Self::All,
            (_, Host::Ipv4(ip)) => network(IpAddr::V4(*ip)),
            (_, Host::Ipv6(ip)) => network(IpAddr::V6(*ip)),
        }
    }
}

impl FromStr for Except {
    type Err = NotAnExcept;

    fn from_str(text: &str) -> Result<Self, NotAnExcept> {
        let (front, bits) = match text.split_once('/') {
            Some((front, bits)) => (front, Some(bits.parse().map_err(|_| NotAnExcept)?)),
            None => (text, None),
        };
        let address = front.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = address.parse::<IpAddr>() {
            let most = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.unwrap_or(most);
            return if bits <= most {
                Ok(Self::Network(address, bits))
            } else {
                Err(NotAnExcept)
            };
        }
        let domain = front.trim_start_matches('.').to_ascii_lowercase();
        let is_domain = !domain.is_empty()
            && domain
                .chars()
                .all(|it| it.is_ascii_alphanumeric() || matches!(it, '-' | '.' | '_'));
        match (front, bits) {
            ("*", None) => Ok(Self::All),
            (_, None) if is_domain => Ok(Self::Domain(domain)),
            _ => Err(NotAnExcept),
        }
    }
}

fn is_within(ip: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) => {
            let differ = ip.to_bits() ^ network.to_bits();
            differ.leading_zeros() >= bits
        }
        (IpAddr::V6(ip), IpAddr::V6(network)) => {
            let differ = ip.to_bits() ^ network.to_bits();
            differ.leading_zeros() >= bits
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_has_an_address_and_nothing_more() {
        for (text, shown) in [
            ("http://proxy.example:3128", Some("proxy.example:3128")),
            ("proxy.example:3128", Some("proxy.example:3128")),
            (
                "http://jane:secret@proxy.example/",
                Some("proxy.example:80"),
            ),
            ("http://[::1]:8080", Some("[::1]:8080")),
            ("https://proxy.example:3128", None),
            ("socks5://proxy.example", None),
            ("http://proxy.example/path", None),
            ("http://proxy.example?x", None),
            ("http://", None),
            ("", None),
        ] {
            let proxy = Proxy::new(text, Vec::new()).ok();

            assert_eq!(
                proxy.as_ref().map(Proxy::to_string).as_deref(),
                shown,
                "{text}"
            );
            assert!(!format!("{proxy:?}").contains("secret"));
        }
    }

    #[test]
    fn what_is_excepted_is_reached_without_it() {
        for (except, url, is_for) in [
            ("example.mil", "https://example.mil/", false),
            (".Example.mil", "https://a.example.mil/", false),
            ("example.mil", "https://badexample.mil/", true),
            ("a.example.mil", "https://example.mil/", true),
            ("*", "https://example.mil/", false),
            ("*", "https://10.0.0.1/", false),
            ("10.0.0.0/8", "https://10.9.9.9/", false),
            ("10.0.0.0/8", "https://11.0.0.1/", true),
            ("10.0.0.1", "https://10.0.0.1/", false),
            ("10.0.0.1", "https://10.0.0.2/", true),
            ("0.0.0.0/0", "https://10.0.0.2/", false),
            ("0.0.0.0/0", "https://[::1]/", true),
            ("::/0", "https://[::1]/", false),
            ("[::1]", "https://[::1]/", false),
            ("10.0.0.1", "https://ten.example/", true),
        ] {
            let proxy = Proxy::new("http://proxy", vec![except.parse().unwrap()]).unwrap();

            assert_eq!(
                proxy.is_for(&Url::parse(url).unwrap()),
                is_for,
                "{except} {url}"
            );
        }
    }

    #[test]
    fn what_is_no_exception_is_refused() {
        for text in [
            "",
            ".",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/x",
            "a b",
            "*/8",
            "a/8",
            "http://a",
        ] {
            assert_eq!(text.parse::<Except>(), Err(NotAnExcept), "{text}");
        }
    }

    #[test]
    fn the_environment_may_name_one() {
        let proxy = |variables: &[(&str, &str)]| {
            Proxy::of_the_environment(|wanted| {
                let mut found = variables.iter().filter(|(name, _)| *name == wanted);
                Some(found.next()?.1.to_owned())
            })
        };
        let a = "http://a.example:1";

        let lower = proxy(&[("https_proxy", a), ("HTTPS_PROXY", "http://b")]).unwrap();
        let upper = proxy(&[
            ("https_proxy", " "),
            ("HTTPS_PROXY", a),
            ("NO_PROXY", "x, ?,y z"),
        ]);

        assert_eq!(lower, Some(Proxy::new(a, Vec::new()).unwrap()));
        assert_eq!(upper.unwrap().unwrap().except.len(), 3);
        assert_eq!(proxy(&[("http_proxy", a), ("no_proxy", "*")]), Ok(None));
        assert_eq!(proxy(&[("https_proxy", "https://a")]), Err(NotAProxy));
    }
}
