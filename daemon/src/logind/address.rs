//! Where the system bus is reached (D-Bus specification, "Server Addresses").

use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};

/// Names another bus than the usual one.
const VARIABLE: &str = "DBUS_SYSTEM_BUS_ADDRESS";

/// The well-known place (D-Bus specification, "System message bus").
const USUAL: &str = "unix:path=/run/dbus/system_bus_socket";

/// A Unix socket that a bus serves at.
#[derive(Debug, Clone)]
pub struct Address(SocketAddr);

/// No address in the text is one that we can reach.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{VARIABLE} names no Unix socket")]
pub struct NoAddress;

impl Address {
    pub fn of_the_environment(
        variable: impl FnOnce(&str) -> Option<String>,
    ) -> Result<Self, NoAddress> {
        Self::parse(variable(VARIABLE).as_deref().unwrap_or(USUAL))
    }

    /// The first address in a list that is a Unix socket.
    pub fn parse(list: &str) -> Result<Self, NoAddress> {
        list.split(';').find_map(unix_socket).ok_or(NoAddress)
    }

    pub(super) fn connect(&self) -> io::Result<UnixStream> {
        UnixStream::connect_addr(&self.0)
    }
}

fn unix_socket(address: &str) -> Option<Address> {
    let keys = address.strip_prefix("unix:")?;
    let socket = keys.split(',').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        let value = unescaped(value)?;
        match key {
            "path" => SocketAddr::from_pathname(OsString::from_vec(value)).ok(),
            "abstract" => SocketAddr::from_abstract_name(value).ok(),
            _ => None,
        }
    });
    socket.map(Address)
}

/// `%2d` stands for the byte of that number.
fn unescaped(value: &str) -> Option<Vec<u8>> {
    let mut bytes = value.bytes();
    let mut unescaped = Vec::with_capacity(value.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            unescaped.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            unescaped.push(byte);
        }
    }
    Some(unescaped)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_unix_socket_is_found_in_any_list() {
        for (list, path) in [
            (
                "unix:path=/run/dbus/system_bus_socket",
                "/run/dbus/system_bus_socket",
            ),
            ("unix:guid=00,path=/a%20b", "/a b"),
            ("tcp:host=localhost,port=1;unix:path=/a", "/a"),
        ] {
            let address = Address::parse(list).unwrap();

            assert_eq!(address.0.as_pathname(), Some(Path::new(path)));
        }
    }

    #[test]
    fn an_abstract_socket_is_one_too() {
        let address = Address::parse("unix:abstract=/tmp/bus,guid=00").unwrap();

        assert_eq!(address.0.as_abstract_name(), Some(&b"/tmp/bus"[..]));
    }

    #[test]
    fn without_a_word_it_is_the_usual_one() {
        let address = Address::of_the_environment(|_| None).unwrap();

        assert!(address.0.as_pathname().unwrap().starts_with("/run/dbus"));
    }

    #[test]
    fn what_is_no_unix_socket_is_refused() {
        for list in ["", "unix:", "unix:path=/%zz", "unix:path=/%2", "tcp:port=1"] {
            assert_eq!(Address::parse(list).unwrap_err(), NoAddress, "{list}");
        }
    }
}
