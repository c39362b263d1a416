//! What came in, so that it can be said that nothing did.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Paths beyond that many are counted as one, [`Seen::THE_REST`].
const MOST_PATHS: usize = 1000;

/// What one origin was sent since it started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// TCP connections that were taken, whether or not TLS came about.
    pub connections: usize,
    /// Handshakes in which a client's certificate was sent.
    pub certificates: usize,
    /// By path, without the query.
    pub paths: BTreeMap<String, Requests>,
}

/// The requests for one path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    pub count: usize,
    /// Cookies in all of them together.
    pub cookies: usize,
    /// Those that came over a connection with a client's certificate.
    pub with_certificate: usize,
}

impl Seen {
    pub const THE_REST: &str = "*";

    /// Of all paths together.
    pub fn requests(&self) -> Requests {
        let mut sum = Requests::default();
        for requests in self.paths.values() {
            sum.count += requests.count;
            sum.cookies += requests.cookies;
            sum.with_certificate += requests.with_certificate;
        }
        sum
    }

    /// Zeroes if there were none.
    pub fn requests_for(&self, path: &str) -> Requests {
        self.paths.get(path).copied().unwrap_or_default()
    }
}

#[derive(Default)]
pub(super) struct Tally(Mutex<Seen>);

impl Tally {
    pub(super) fn seen(&self) -> Seen {
        self.lock().clone()
    }

    pub(super) fn connection(&self) {
        self.lock().connections += 1;
    }

    pub(super) fn certificate(&self) {
        self.lock().certificates += 1;
    }

    pub(super) fn request(&self, path: &str, cookies: usize, with_certificate: bool) {
        let mut seen = self.lock();
        let is_counted_alone = seen.paths.len() < MOST_PATHS || seen.paths.contains_key(path);
        let path = if is_counted_alone {
            path
        } else {
            Seen::THE_REST
        };
        let requests = seen.paths.entry(path.to_owned()).or_default();
        requests.count += 1;
        requests.cookies += cookies;
        requests.with_certificate += usize::from(with_certificate);
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        // A count that was being raised is one off at most.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
