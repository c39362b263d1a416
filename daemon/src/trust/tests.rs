//! Our own small PKI, the DoD's public bundle, and what OpenSSL makes.

mod dod;
mod folder;
mod paths;
mod pki;
mod policies;
