//! Readers on the USB bus, whether pcscd has them or not.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use cac_common::identity::readable;
use cac_common::reader::ServiceStatus;
use cac_common::snapshot::Snapshot;

use super::held::READER_TAKEN;
use super::look::Place;
use super::outcome::{Outcome, outcomes};
use super::{By, Check, Found};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "kernel-modules",
        title: "no kernel driver takes readers",
        meaning: "The kernel has drivers of its own for some contactless readers (pn533, nfc). A \
             reader that they have taken is not there for pcscd.",
        after: &[],
        by: By::Machine(kernel_modules),
        outcomes: kernel_modules::ALL,
    },
    Check {
        name: "reader-on-bus",
        title: "pcscd has the bus's readers",
        meaning: "The readers on the USB bus (class 0B) are counted by the kernel. One that is \
             there and that pcscd does not list has no driver in pcscd, or another program or the \
             kernel has taken it.",
        after: &["pcscd"],
        by: By::Machine(on_the_bus),
        outcomes: on_the_bus::ALL,
    },
    READER_TAKEN,
    Check {
        name: "reader",
        title: "a reader is plugged in",
        meaning: "pcscd lists a reader. One that is plugged in and missing here has no driver, or gets \
             no power.",
        after: &["pcscd"],
        by: By::Picture(reader),
        outcomes: reader::ALL,
    },
    Check {
        name: "reader-known-bad",
        title: "the reader is a sound one",
        meaning: "Some models are known for trouble on Linux: firmware that is missing, cards that \
             are not noticed, answers that are cut short.",
        after: &["reader"],
        by: By::Machine(known_bad),
        outcomes: known_bad::ALL,
    },
];

/// Readers of class 0B are smart card readers (USB-IF, class codes).
const SMART_CARD: &str = "0b";

const BUS: &str = "sys/bus/usb/devices";
const MODULES: &str = "proc/modules";

/// Entries of the bus that are looked at.
const MOST_DEVICES: usize = 4096;

const LONGEST_ATTRIBUTE: u64 = 512;
const LONGEST_MODULES: u64 = 1 << 20;

/// Those that take readers for themselves.
const TAKERS: [&str; 3] = ["pn533_usb", "pn533", "port100"];

/// A model that is known for trouble.
struct Bad {
    /// USB's numbers of vendor and products (libccid, supported_readers.txt).
    vendor: &'static str,
    products: &'static [&'static str],
    /// How libccid calls them, before the interface and the serial number.
    name: &'static str,
    outcome: Outcome,
}

const BAD: [Bad; 3] = [
    Bad {
        vendor: "058f",
        products: &["9540"],
        name: "Alcor Micro AU9540",
        outcome: known_bad::CUTS_ANSWERS,
    },
    Bad {
        vendor: "0a5c",
        products: &[
            "5800", "5801", "5802", "5804", "5805", "5832", "5833", "5834",
        ],
        name: "Broadcom Corp 5880",
        outcome: known_bad::FIRMWARE,
    },
    Bad {
        vendor: "0a5c",
        products: &["5842", "5843", "5844", "5845"],
        name: "Broadcom Corp 58200",
        outcome: known_bad::FIRMWARE,
    },
];

const MISSING: &str = "Its driver is missing: install libccid (ccid on Fedora), and start pcscd anew. \
     Where it is installed, plug the reader in again, and see what journalctl -u pcscd says.";
const MISSING_BY: &str = "sudo apt install libccid && sudo systemctl restart pcscd";

const UNLOAD: &str = "Unload them, and keep them from being loaded: a line \"blacklist NAME\" for each in \
     /etc/modprobe.d/pcscd.conf.";
const UNLOAD_BY: &str = "sudo modprobe --remove {names}";

outcomes! {
    kernel_modules {
        UNREAD: Outcome::unknown("the list of modules cannot be read");
        NONE: Outcome::fine("none of them is loaded");
        NO_READER: Outcome::failed("loaded: {modules}; and pcscd has no reader")
            .by(super::UNLOAD, super::UNLOAD_BY);
        LOADED: Outcome::warning("loaded: {modules}").by(super::UNLOAD, super::UNLOAD_BY);
    }
}

outcomes! {
    on_the_bus {
        NO_BUS: Outcome::not_applicable("this machine shows no USB bus");
        NONE: Outcome::not_applicable("no reader on the USB bus says that it is one");
        THERE: Outcome::fine("{readers}");
        TAKEN: Outcome::failed("the kernel's driver {driver} has taken {reader}").by(
            "Unload that driver, and keep it from being loaded: a line \"blacklist NAME\" in \
             /etc/modprobe.d/pcscd.conf. Then plug the reader in anew.",
            "sudo modprobe --remove {driver}",
        );
        ALL_MISSING: Outcome::failed("on the bus: {readers}; pcscd lists {count}")
            .by(super::MISSING, super::MISSING_BY);
        SOME_MISSING: Outcome::warning("on the bus: {readers}; pcscd lists {count}")
            .by(super::MISSING, super::MISSING_BY);
    }
}

outcomes! {
    reader {
        NONE: Outcome::failed("no reader is plugged in").by(
            "Plug it in, or use another socket of the machine. Where lsusb lists it and it is not \
             seen here, its driver is missing: sudo apt install libccid.",
            "lsusb",
        );
        THERE: Outcome::fine("{readers}");
    }
}

outcomes! {
    known_bad {
        CUTS_ANSWERS: Outcome::warning("{reader} is known for trouble").mended(
            "With some cards it cuts long answers short. Another reader is the surest remedy.",
        );
        FIRMWARE: Outcome::warning("{reader} is known for trouble").mended(
            "It needs firmware that Linux does not load, and loses cards when the machine sleeps. \
             Use an external reader.",
        );
        SOUND: Outcome::fine("nothing is known against it");
    }
}

/// How long ` 00 01` is, reader and slot, at the end of each name (pcsc-lite).
const NUMBERS: usize = 6;

/// An interface on the bus that is a reader's.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OnTheBus {
    /// As the device calls itself, or its numbers.
    name: String,
    /// USB's, of its vendor and of it.
    numbers: Option<(String, String)>,
    /// The kernel's driver that has taken it. pcscd's (`usbfs`) is none of them.
    driver: Option<String>,
}

fn kernel_modules(place: &Place) -> Vec<Found> {
    let mut text = String::new();
    let file = File::open(place.root.join(MODULES));
    if (file.and_then(|file| file.take(LONGEST_MODULES).read_to_string(&mut text))).is_err() {
        return vec![kernel_modules::UNREAD.found()];
    }
    let loaded = |name: &&str| {
        let mut lines = text.lines();
        lines.any(|line| line.split(' ').next() == Some(*name))
    };
    let loaded: Vec<&str> = TAKERS.into_iter().filter(|it| loaded(it)).collect();
    if loaded.is_empty() {
        return vec![kernel_modules::NONE.found()];
    }
    let has_readers = place.picture.as_ref().map(|it| !it.readers.is_empty());
    let outcome = if has_readers == Some(false) {
        kernel_modules::NO_READER
    } else {
        kernel_modules::LOADED
    };
    let (listed, names) = (loaded.join(", "), loaded.join(" "));
    vec![outcome.told(&[("modules", &listed), ("names", &names)])]
}

fn on_the_bus(place: &Place) -> Vec<Found> {
    let Some(readers) = readers_below(&place.root.join(BUS)) else {
        return vec![on_the_bus::NO_BUS.found()];
    };
    if readers.is_empty() {
        return vec![on_the_bus::NONE.found()];
    }
    let names: Vec<&str> = readers.iter().map(|it| &it.name[..]).collect();
    let names = names.join(", ");
    let taken = readers
        .iter()
        .find_map(|it| Some((&it.name, it.driver.as_ref()?)));
    let picture = place.picture.as_ref();
    let picture = picture.filter(|it| it.service == ServiceStatus::Running);
    let Some(picture) = picture else {
        return vec![on_the_bus::THERE.told(&[("readers", &names)])];
    };
    if let Some((reader, driver)) = taken {
        return vec![on_the_bus::TAKEN.told(&[("reader", reader), ("driver", driver)])];
    }
    let count = picture.readers.len();
    let outcome = if count >= readers.len() {
        on_the_bus::THERE
    } else if count == 0 {
        on_the_bus::ALL_MISSING
    } else {
        on_the_bus::SOME_MISSING
    };
    vec![outcome.told(&[("readers", &names), ("count", &count)])]
}

/// `None` where there is no such bus.
fn readers_below(bus: &Path) -> Option<Vec<OnTheBus>> {
    let entries = fs::read_dir(bus).ok()?;
    let mut paths: Vec<_> = (entries.take(MOST_DEVICES).flatten())
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    let readers = paths.iter().filter_map(|interface| {
        let class = attribute(interface, "bInterfaceClass")?;
        if !class.eq_ignore_ascii_case(SMART_CARD) {
            return None;
        }
        // 1-2:1.0 is an interface of the device 1-2 (Linux, usb.rst).
        let device = interface.file_name()?.to_str()?.split(':').next()?;
        let device = bus.join(device);
        let numbers = attribute(&device, "idVendor").zip(attribute(&device, "idProduct"));
        let name = attribute(&device, "product").or_else(|| {
            let (vendor, product) = numbers.as_ref()?;
            Some(format!("{vendor}:{product}"))
        });
        let driver = fs::read_link(interface.join("driver")).ok();
        let driver = driver.and_then(|it| Some(it.file_name()?.to_str()?.to_owned()));
        Some(OnTheBus {
            name: readable(&name.unwrap_or_else(|| "a reader without a name".into())),
            numbers,
            driver: driver.filter(|driver| driver != "usbfs"),
        })
    });
    Some(readers.collect())
}

fn attribute(of: &Path, name: &str) -> Option<String> {
    let mut text = String::new();
    let file = File::open(of.join(name)).ok()?;
    file.take(LONGEST_ATTRIBUTE)
        .read_to_string(&mut text)
        .ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn reader(snapshot: &Snapshot) -> Found {
    let names: Vec<&str> = snapshot.readers.iter().map(|it| &it.name.0[..]).collect();
    if names.is_empty() {
        return reader::NONE.found();
    }
    reader::THERE.told(&[("readers", &names.join(", "))])
}

fn known_bad(place: &Place) -> Vec<Found> {
    let listed = place.picture.iter().flat_map(|it| &it.readers);
    let by_name = listed.filter_map(|reader| {
        let model = model(&reader.name.0);
        let bad = BAD.iter().find(|bad| bad.name == model)?;
        Some((bad, reader.name.to_string()))
    });
    let on_the_bus = readers_below(&place.root.join(BUS)).unwrap_or_default();
    let by_numbers = on_the_bus.into_iter().filter_map(|reader| {
        let (vendor, product) = reader.numbers?;
        let is_it = |bad: &&Bad| bad.vendor == vendor && bad.products.contains(&&product[..]);
        Some((BAD.iter().find(is_it)?, reader.name))
    });
    vec![match by_name.chain(by_numbers).next() {
        Some((bad, name)) => bad.outcome.told(&[("reader", &name)]),
        None => known_bad::SOUND.found(),
    }]
}

/// `Broadcom Corp 5880 [Contacted SmartCard] (0123456789ABCD) 00 00` without its
/// interface, its serial number, and the numbers that pcscd gives it.
fn model(name: &str) -> &str {
    let end = name.find(['[', '(']).unwrap_or(name.len());
    let model = name[..end].trim_end();
    let is_numbered = end == name.len() && model.len() > NUMBERS;
    let (before, numbers) = model
        .split_at_checked(model.len().saturating_sub(NUMBERS))
        .unwrap_or((model, ""));
    let is_number = |c: char| c.is_ascii_hexdigit() || c == ' ';
    if is_numbered && numbers.starts_with(' ') && numbers.chars().all(is_number) {
        before
    } else {
        model
    }
}

#[cfg(test)]
pub(super) mod tests;
