//! Which seat a reader belongs to: that of its USB device, as udev has it.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// The seat of whatever is at none of its own (sd-login(3)).
pub(super) const SEAT0: &str = "seat0";

/// Where udev keeps what it knows of devices.
const UDEV: &str = "/run/udev/data";

/// USB devices are character devices of this number (Linux,
/// `Documentation/admin-guide/devices.txt`).
const USB_MAJOR: u32 = 189;

/// Minor numbers that each bus has there.
const OF_ONE_BUS: u32 = 128;

/// What udev knows of one device is a few kilobytes.
const LONGEST: u64 = 256 * 1024;

/// A channel of the kind USB, in the upper half of its ID (PC/SC part 3 §3.1.3;
/// pcsc-lite's `ifdhandler.h`).
const USB: u32 = 0x0020;

/// What a reader says its channel is, in the machine's byte order. Drivers
/// write four bytes or eight.
pub(super) fn channel(bytes: &[u8]) -> Option<u32> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return Some(u32::from_ne_bytes(bytes));
    }
    let bytes = <[u8; 8]>::try_from(bytes).ok()?;
    u32::try_from(u64::from_ne_bytes(bytes)).ok()
}

/// The seat of a reader at this channel; `None` where it should be known and
/// cannot be read.
pub(super) fn of_channel(channel: Option<u32>) -> Option<String> {
    of_channel_in(Path::new(UDEV), channel)
}

fn of_channel_in(udev: &Path, channel: Option<u32>) -> Option<String> {
    let device = channel.and_then(usb_device);
    let Some(minor) = device else {
        return Some(SEAT0.to_owned());
    };
    match read(&udev.join(format!("c{USB_MAJOR}:{minor}"))) {
        Ok(properties) => seat_in(&properties),
        // Without udev there is no other seat.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(SEAT0.to_owned()),
        Err(error) => {
            tracing::warn!(%error, "what udev knows of a reader cannot be read");
            None
        }
    }
}

/// The minor number of a USB device, by its bus and address in the lower half
/// of the channel's ID.
fn usb_device(channel: u32) -> Option<u32> {
    let [_, _, bus, address] = channel.to_be_bytes();
    let (bus, address) = (u32::from(bus), u32::from(address));
    let is_one = channel >> 16 == USB && bus > 0 && (1..OF_ONE_BUS).contains(&address);
    is_one.then(|| (bus - 1) * OF_ONE_BUS + address - 1)
}

fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A property is a line `E:NAME=value`.
fn seat_in(properties: &str) -> Option<String> {
    let mut lines = properties.lines();
    let seat = lines.find_map(|line| line.strip_prefix("E:ID_SEAT="));
    let Some(seat) = seat.filter(|seat| !seat.is_empty()) else {
        return Some(SEAT0.to_owned());
    };
    // As sd-login(3) has it; anything else is nobody's.
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (seat.starts_with("seat") && seat.chars().all(is_name) && seat.len() <= 255)
        .then(|| seat.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_channel_is_four_bytes_or_eight() {
        let id: u32 = 0x0020_0203;

        assert_eq!(channel(&id.to_ne_bytes()), Some(id));
        assert_eq!(channel(&u64::from(id).to_ne_bytes()), Some(id));
        for bytes in [&[][..], &[0; 3], &[0; 9], &u64::MAX.to_ne_bytes()] {
            assert_eq!(channel(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn a_reader_is_at_the_seat_that_udev_has_for_its_device() {
        let udev = tempfile::tempdir().unwrap();
        // Bus 2, address 3: 128 for the first bus, and two before it.
        let file = udev.path().join("c189:130");
        for (known, seat) in [
            (
                "S:x\nI:1\nE:ID_SEAT=seat-usb-1\nG:seat\n",
                Some("seat-usb-1"),
            ),
            ("E:ID_BUS=usb\nE:XID_SEAT=seat1\n", Some("seat0")),
            ("E:ID_SEAT=\n", Some("seat0")),
            ("", Some("seat0")),
            ("E:ID_SEAT=../seat1\n", None),
            ("E:ID_SEAT=seat1\u{1b}[2J\n", None),
        ] {
            fs::write(&file, known).unwrap();

            let found = of_channel_in(udev.path(), Some(0x0020_0203));

            assert_eq!(found.as_deref(), seat, "{known:?}");
        }
    }

    #[test]
    fn whatever_is_no_usb_device_is_at_the_first_seat() {
        let udev = tempfile::tempdir().unwrap();
        fs::write(udev.path().join("c189:0"), "E:ID_SEAT=seat1\n").unwrap();

        for channel in [
            None,
            Some(0),
            Some(0x8C7B),
            Some(0x0020_0000),
            Some(0x0020_0100),
            Some(0x0020_01FF),
            Some(0x0021_0101),
            Some(0x0020_0909),
        ] {
            let found = of_channel_in(udev.path(), channel);

            assert_eq!(found.as_deref(), Some("seat0"), "{channel:X?}");
        }
        let first = of_channel_in(udev.path(), Some(0x0020_0101));
        assert_eq!(first.as_deref(), Some("seat1"));
    }

    #[test]
    fn what_cannot_be_read_is_nobodys() {
        let udev = tempfile::tempdir().unwrap();
        fs::create_dir(udev.path().join("c189:0")).unwrap();

        assert_eq!(of_channel_in(udev.path(), Some(0x0020_0101)), None);
    }
}
