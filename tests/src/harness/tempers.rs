//! Clients of bad tempers, as any user of the machine can be one.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use cac_common::interface::LONGEST_REQUEST;

use super::LIMIT;

/// What is not varlink, each ended as a message is.
pub const GARBAGE: [&[u8]; 8] = [
    b"hello\0",
    b"\0",
    b"\0\0\0\0\0\0\0\0",
    b"{}\0",
    b"[]\0",
    b"{\"method\":5}\0",
    b"\xFF\xFE\xFD\0",
    b"{\"method\":\"org.cacd1.GetSnapshot\"\0",
];

/// The beginning of a message.
pub const HALF: &[u8] = b"{\"method\":\"org.cacd1.GetSn";

/// What the kernel may hold between two ends of a socket, and more.
const IN_FLIGHT: usize = 4 * 1024 * 1024;

/// A client whose message is longer than anything that is taken gives up here.
const GIGABYTE: usize = 1 << 30;

/// Sends some bytes and nothing more, and gives what comes back until the daemon hangs up.
pub fn say(socket: &Path, bytes: &[u8]) -> anyhow::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.write_all(bytes)?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// A call whose parameters lie in so many arrays.
pub fn nested(depth: usize) -> Vec<u8> {
    let (open, close) = ("[".repeat(depth), "]".repeat(depth));
    let call = format!("{{\"method\":\"org.cacd1.Register\",\"parameters\":{open}{close}}}\0");
    call.into_bytes()
}

/// Sends a message without end until the daemon hangs up; how much was taken
/// of it, in bytes, which has to be little.
pub fn pour(socket: &Path) -> anyhow::Result<usize> {
    let mut endless = UnixStream::connect(socket)?;
    endless.set_write_timeout(Some(LIMIT))?;
    let chunk = vec![b'x'; LONGEST_REQUEST];
    let mut taken = 0;
    let refused = loop {
        match endless.write(&chunk) {
            Ok(written) => taken += written,
            Err(error) => break error,
        }
        ensure!(taken < GIGABYTE, "somebody takes all of it");
    };
    ensure!(
        matches!(
            refused.kind(),
            ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
        ),
        "{refused}"
    );
    ensure!(taken <= IN_FLIGHT, "{taken} bytes were taken");
    Ok(taken)
}

/// Whether the daemon answers on this connection, or has closed it.
pub fn is_served(mut stream: &UnixStream) -> anyhow::Result<bool> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let call = b"{\"method\":\"org.varlink.service.GetInfo\"}\0";
    if stream.write_all(call).is_err() {
        return Ok(false);
    }
    let mut first = [0];
    match stream.read(&mut first) {
        Ok(read) => Ok(read == 1),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(false),
        Err(error) => Err(error.into()),
    }
}
