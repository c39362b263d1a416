//! Sign-ins at nginx and Apache as Debian ships them: what they answer, what
//! curl makes of it, and what the daemon's own client says that it means.
//!
//! What happened is `docs/servers.md`; a test that finds something else fails.

#![expect(clippy::unwrap_used, reason = "what a test sets up has to work")]

mod apache;
mod nginx;
mod record;
mod visit;
