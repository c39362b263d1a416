//! How a sign-in went, hop by hop: for whoever writes or mends a profile.

use serde::{Deserialize, Serialize};

use crate::profile::RuleResult;

/// What a portal was asked, what it answered, and which rule that was held against.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    pub hops: Vec<Hop>,
    /// In the profile's order, up to the one that matched; empty where no page
    /// was there to be judged, or none of them was asked.
    pub rules: Vec<RuleTried>,
}

/// One request. What could be a secret is left out: bodies, cookies, and the
/// values in a query.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    pub method: String,
    pub url: String,
    /// Names of the fields of a form that was sent.
    #[serde(default)]
    pub fields: Vec<String>,
    /// The HTTP status; absent if no answer came.
    pub status: Option<u16>,
    /// From the request to the end of the answer, in milliseconds.
    pub took: u64,
    /// `HTTP/2.0`.
    pub protocol: Option<String>,
    /// The server asked for the certificate here.
    pub asked: bool,
    /// The card signed here.
    pub signed: bool,
    /// Cookies that came with the answer.
    pub cookies: u32,
    /// Where the answer leads.
    pub redirect: Option<String>,
    /// Why no answer came.
    pub failure: Option<String>,
    /// What is not known of the server's certificate, though its profile wants
    /// it known.
    #[serde(default)]
    pub doubt: Option<String>,
}

/// A rule of the profile, held against the last answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleTried {
    /// Counted from 1.
    pub number: u32,
    pub result: RuleResult,
    /// The first of its conditions that does not hold; absent if all do.
    pub misses: Option<String>,
}
