//! What is saved to a file, to be read or sent elsewhere.

use cac_common::identity::readable;
use cac_common::interface::TestReply;
use cac_common::time::UtcSeconds;
use jiff::tz::TimeZone;

use super::portal;
use crate::phrase;
use crate::sheet::Sheet;

/// How a sign-in went that was tried at a portal, as `cacctl portal test` tells it.
pub fn sign_in(portal: &str, reply: &TestReply, at: UtcSeconds, zone: &TimeZone) -> String {
    let head = format!(
        "sign-in tried at {}, {}\n\n",
        readable(portal),
        phrase::moment(at, zone)
    );
    let mut report = head.into_bytes();
    // Writing to memory does not fail.
    let _ = portal::test(&mut report, reply, Sheet::PLAIN, at, zone);
    String::from_utf8_lossy(&report).into_owned()
}
