//! Readers on the USB bus, whether pcscd has them or not.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use cac_common::identity::readable;
use cac_common::reader::ServiceStatus;
use cac_common::snapshot::Snapshot;

use super::held::READER_TAKEN;
use super::look::Place;
use super::{By, Check, Found};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "kernel-modules",
        title: "no kernel driver takes readers",
        meaning: "The kernel has drivers of its own for some contactless readers (pn533, nfc). A \
             reader that they have taken is not there for pcscd.",
        after: &[],
        by: By::Machine(kernel_modules),
    },
    Check {
        name: "reader-on-bus",
        title: "pcscd has the bus's readers",
        meaning: "The readers on the USB bus (class 0B) are counted by the kernel. One that is \
             there and that pcscd does not list has no driver in pcscd, or another program or the \
             kernel has taken it.",
        after: &["pcscd"],
        by: By::Machine(on_the_bus),
    },
    READER_TAKEN,
    Check {
        name: "reader",
        title: "a reader is plugged in",
        meaning: "pcscd lists a reader. One that is plugged in and missing here has no driver, or gets \
             no power.",
        after: &["pcscd"],
        by: By::Picture(reader),
    },
    Check {
        name: "reader-known-bad",
        title: "the reader is a sound one",
        meaning: "Some models are known for trouble on Linux: firmware that is missing, cards that \
             are not noticed, answers that are cut short.",
        after: &["reader"],
        by: By::Picture(known_bad),
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

/// Part of a name, and what is known of it.
const BAD: [(&str, &str); 3] = [
    (
        "AU9540",
        "With some cards it cuts long answers short. Another reader is the surest remedy.",
    ),
    (
        "5880",
        "It needs firmware that Linux does not load, and loses cards when the machine sleeps. Use an \
         external reader.",
    ),
    (
        "58200",
        "It needs firmware that Linux does not load, and loses cards when the machine sleeps. Use an \
         external reader.",
    ),
];

/// An interface on the bus that is a reader's.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OnTheBus {
    /// As the device calls itself, or its numbers.
    name: String,
    /// The kernel's driver that has taken it. pcscd's (`usbfs`) is none of them.
    driver: Option<String>,
}

fn kernel_modules(place: &Place) -> Vec<Found> {
    let mut text = String::new();
    let file = File::open(place.root.join(MODULES));
    if (file.and_then(|file| file.take(LONGEST_MODULES).read_to_string(&mut text))).is_err() {
        return vec![Found::unknown("the list of modules cannot be read")];
    }
    let loaded = |name: &&str| {
        let mut lines = text.lines();
        lines.any(|line| line.split(' ').next() == Some(*name))
    };
    let loaded: Vec<&str> = TAKERS.into_iter().filter(|it| loaded(it)).collect();
    if loaded.is_empty() {
        return vec![Found::fine("none of them is loaded")];
    }
    let cause = format!("loaded: {}", loaded.join(", "));
    let has_readers = place.picture.as_ref().map(|it| !it.readers.is_empty());
    let found = if has_readers == Some(false) {
        Found::failed(format!("{cause}; and pcscd has no reader"))
    } else {
        Found::warning(cause)
    };
    vec![found.by(
        "Unload them, and keep them from being loaded: a line \"blacklist NAME\" for each in \
         /etc/modprobe.d/pcscd.conf.",
        format!("sudo modprobe --remove {}", loaded.join(" ")),
    )]
}

fn on_the_bus(place: &Place) -> Vec<Found> {
    let Some(readers) = readers_below(&place.root.join(BUS)) else {
        return vec![Found::not_applicable("this machine shows no USB bus")];
    };
    if readers.is_empty() {
        return vec![Found::not_applicable(
            "no reader on the USB bus says that it is one",
        )];
    }
    let names: Vec<&str> = readers.iter().map(|it| &it.name[..]).collect();
    let names = names.join(", ");
    let taken = readers.iter().find(|it| it.driver.is_some());
    let picture = place.picture.as_ref();
    let picture = picture.filter(|it| it.service == ServiceStatus::Running);
    let Some(picture) = picture else {
        return vec![Found::fine(names)];
    };
    vec![
        if let Some((reader, driver)) = taken.and_then(|it| Some((&it.name, it.driver.as_ref()?))) {
            Found::failed(format!("the kernel's driver {driver} has taken {reader}")).by(
                "Unload that driver, and keep it from being loaded: a line \"blacklist NAME\" in \
             /etc/modprobe.d/pcscd.conf. Then plug the reader in anew.",
                format!("sudo modprobe --remove {driver}"),
            )
        } else if picture.readers.len() < readers.len() {
            let cause = format!("on the bus: {names}; pcscd lists {}", picture.readers.len());
            let found = if picture.readers.is_empty() {
                Found::failed(cause)
            } else {
                Found::warning(cause)
            };
            found.by(
            "Its driver is missing: install libccid (ccid on Fedora), and start pcscd anew. Where it \
             is installed, plug the reader in again, and see what journalctl -u pcscd says.",
            "sudo apt install libccid && sudo systemctl restart pcscd",
        )
        } else {
            Found::fine(names)
        },
    ]
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
        let name = attribute(&device, "product").or_else(|| {
            let (vendor, product) = (
                attribute(&device, "idVendor")?,
                attribute(&device, "idProduct")?,
            );
            Some(format!("{vendor}:{product}"))
        });
        let driver = fs::read_link(interface.join("driver")).ok();
        let driver = driver.and_then(|it| Some(it.file_name()?.to_str()?.to_owned()));
        Some(OnTheBus {
            name: readable(&name.unwrap_or_else(|| "a reader without a name".into())),
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
        return Found::failed("no reader is plugged in").by(
            "Plug it in, or use another socket of the machine. Where lsusb lists it and it is not \
             seen here, its driver is missing: sudo apt install libccid.",
            "lsusb",
        );
    }
    Found::fine(names.join(", "))
}

fn known_bad(snapshot: &Snapshot) -> Found {
    let names = snapshot.readers.iter().map(|reader| &reader.name.0);
    let bad = names.filter_map(|name| {
        let known = BAD.iter().find(|(part, _)| name.contains(part))?;
        Some((name, known.1))
    });
    match bad.into_iter().next() {
        Some((name, advice)) => {
            Found::warning(format!("{name} is known for trouble")).mended(advice)
        }
        None => Found::fine("nothing is known against it"),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::sync::Arc;

    use super::*;
    use crate::check::Verdict;
    use crate::invented;

    fn write(place: &Place, path: &str, text: &str) {
        let path = place.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A bus with a mouse, a hub, and a reader.
    fn bus(place: &Place) {
        for (file, text) in [
            ("1-1:1.0/bInterfaceClass", "03\n"),
            ("1-0:1.0/bInterfaceClass", "09\n"),
            ("1-2/product", "SCR3310 v2.0\n"),
            ("1-2:1.0/bInterfaceClass", "0b\n"),
            ("1-3:1.0/bInterfaceClass", ""),
        ] {
            write(place, &format!("{BUS}/{file}"), text);
        }
    }

    fn with_readers(place: &mut Place, count: usize) {
        let mut picture = invented::desk();
        picture.readers.truncate(count);
        place.picture = Some(Arc::new(picture));
    }

    #[test]
    fn a_reader_on_the_bus_is_held_against_those_of_pcscd() {
        let root = tempfile::tempdir().unwrap();
        let mut place = Place::below(root.path());
        assert_eq!(on_the_bus(&place)[0].verdict(), Verdict::NotApplicable);
        bus(&place);

        let unasked = on_the_bus(&place);
        with_readers(&mut place, 0);
        let missing = on_the_bus(&place);
        with_readers(&mut place, 1);
        let there = on_the_bus(&place);
        write(&place, &format!("{BUS}/2-1:1.0/bInterfaceClass"), "0B");
        write(&place, &format!("{BUS}/2-1/idVendor"), "058f");
        write(&place, &format!("{BUS}/2-1/idProduct"), "9540");
        let one_missing = on_the_bus(&place);

        assert_eq!(unasked, [Found::fine("SCR3310 v2.0")]);
        assert_eq!(missing[0].verdict(), Verdict::Failed);
        assert_eq!(there, unasked);
        assert_eq!(one_missing[0].verdict(), Verdict::Warning);
        let names: Vec<_> = readers_below(&place.root.join(BUS)).unwrap();
        assert_eq!(names[1].name, "058f:9540");
    }

    #[test]
    fn a_reader_that_a_driver_of_the_kernel_has_is_told_and_pcscds_own_is_none() {
        let root = tempfile::tempdir().unwrap();
        let mut place = Place::below(root.path());
        bus(&place);
        with_readers(&mut place, 1);
        let driver = place.root.join(BUS).join("1-2:1.0/driver");
        symlink("../../../drivers/usbfs", &driver).unwrap();
        let pcscds = on_the_bus(&place)[0].verdict();
        fs::remove_file(&driver).unwrap();
        symlink("../../../drivers/pn533_usb", &driver).unwrap();

        let taken = on_the_bus(&place)[0].verdict();

        assert_eq!([pcscds, taken], [Verdict::Fine, Verdict::Failed]);
    }

    #[test]
    fn modules_that_take_readers_are_told_and_fail_where_there_is_none() {
        let root = tempfile::tempdir().unwrap();
        let mut place = Place::below(root.path());
        let unread = kernel_modules(&place)[0].verdict();
        write(
            &place,
            MODULES,
            "nfct 1 0 - Live 0x0\nusbcore 1 0 - Live 0x0\n",
        );
        let fine = kernel_modules(&place)[0].verdict();
        write(
            &place,
            MODULES,
            "pn533 1 1 pn533_usb, Live 0x0\nnfc 1 1 pn533, Live 0x0\n",
        );
        let warned = kernel_modules(&place)[0].verdict();
        with_readers(&mut place, 0);
        let failed = kernel_modules(&place)[0].verdict();

        assert_eq!(
            [unread, fine, warned, failed],
            [
                Verdict::Unknown,
                Verdict::Fine,
                Verdict::Warning,
                Verdict::Failed
            ]
        );
    }

    #[test]
    fn a_model_that_is_known_for_trouble_is_told_by_its_name() {
        let mut snapshot = invented::desk();
        for (name, verdict) in [
            ("Alcor Micro AU9540 00 00", Verdict::Warning),
            (
                "Broadcom Corp 5880 [Contacted SmartCard] 00 00",
                Verdict::Warning,
            ),
            ("SCR3310 [CCID] 00 00", Verdict::Fine),
        ] {
            snapshot.readers.truncate(1);
            snapshot.readers[0].name.0 = name.into();
            assert_eq!(known_bad(&snapshot).verdict(), verdict, "{name}");
        }
    }
}
