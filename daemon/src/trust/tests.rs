//! Our own small PKI, the DoD's public bundle, and what OpenSSL makes.

mod answers;
mod crl;
mod dod;
mod folder;
mod messages;
mod ocsp;
mod openssl;
mod paths;
mod pki;
mod place;
mod policies;
mod revoked;
mod web;
