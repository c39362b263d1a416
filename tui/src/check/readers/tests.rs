//! What each of them comes to.

use std::os::unix::fs::symlink;
use std::sync::Arc;

use super::*;
use crate::check::tests::{Case, case, single};
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

pub(in crate::check) fn cases() -> Vec<Case> {
    let mut cases = of_the_bus();
    cases.extend(of_the_modules());
    cases.extend(of_the_models());
    let none = reader(&invented::nothing_plugged_in());
    cases.push(case("reader", reader::NONE, none));
    cases
}

fn of_the_bus() -> Vec<Case> {
    let root = tempfile::tempdir().unwrap();
    let mut place = Place::below(root.path());
    let no_bus = on_the_bus(&place);
    write(&place, &format!("{BUS}/1-1:1.0/bInterfaceClass"), "03\n");
    let a_mouse = on_the_bus(&place);
    bus(&place);
    let unasked = on_the_bus(&place);
    with_readers(&mut place, 0);
    let all_missing = on_the_bus(&place);
    with_readers(&mut place, 1);
    let there = on_the_bus(&place);
    assert_eq!(there, unasked);
    write(&place, &format!("{BUS}/2-1:1.0/bInterfaceClass"), "0B");
    write(&place, &format!("{BUS}/2-1/idVendor"), "058f");
    write(&place, &format!("{BUS}/2-1/idProduct"), "9540");
    let one_missing = on_the_bus(&place);
    let names: Vec<_> = readers_below(&place.root.join(BUS)).unwrap();
    assert_eq!(names[1].name, "058f:9540");

    let root = tempfile::tempdir().unwrap();
    let mut place = Place::below(root.path());
    bus(&place);
    with_readers(&mut place, 1);
    let driver = place.root.join(BUS).join("1-2:1.0/driver");
    symlink("../../../drivers/usbfs", &driver).unwrap();
    let pcscds_own = on_the_bus(&place);
    fs::remove_file(&driver).unwrap();
    symlink("../../../drivers/pn533_usb", &driver).unwrap();
    let taken = on_the_bus(&place);

    vec![
        single("reader-on-bus", on_the_bus::NO_BUS, no_bus),
        single("reader-on-bus", on_the_bus::NONE, a_mouse),
        single("reader-on-bus", on_the_bus::THERE, unasked),
        single("reader-on-bus", on_the_bus::ALL_MISSING, all_missing),
        single("reader-on-bus", on_the_bus::SOME_MISSING, one_missing),
        single("reader-on-bus", on_the_bus::THERE, pcscds_own),
        single("reader-on-bus", on_the_bus::TAKEN, taken),
    ]
}

fn of_the_modules() -> Vec<Case> {
    let root = tempfile::tempdir().unwrap();
    let mut place = Place::below(root.path());
    let unread = kernel_modules(&place);
    let others = "nfct 1 0 - Live 0x0\nusbcore 1 0 - Live 0x0\n";
    write(&place, MODULES, others);
    let none = kernel_modules(&place);
    let takers = "pn533 1 1 pn533_usb, Live 0x0\nnfc 1 1 pn533, Live 0x0\n";
    write(&place, MODULES, takers);
    let loaded = kernel_modules(&place);
    with_readers(&mut place, 0);
    let no_reader = kernel_modules(&place);
    vec![
        single("kernel-modules", kernel_modules::UNREAD, unread),
        single("kernel-modules", kernel_modules::NONE, none),
        single("kernel-modules", kernel_modules::LOADED, loaded),
        single("kernel-modules", kernel_modules::NO_READER, no_reader),
    ]
}

/// What is bad is told by its name, and never by a serial number.
fn of_the_models() -> Vec<Case> {
    let cases = [
        ("Alcor Micro AU9540 00 00", known_bad::CUTS_ANSWERS),
        (
            "Broadcom Corp 5880 [Contacted SmartCard] (0123456789ABCD) 00 00",
            known_bad::FIRMWARE,
        ),
        (
            "Broadcom Corp 58200 [Contacted SmartCard] 01 00",
            known_bad::FIRMWARE,
        ),
        ("SCR3310 [CCID] 00 00", known_bad::SOUND),
        (
            "Identiv SCR33xx [CCID Interface] (21125880200582) 00 00",
            known_bad::SOUND,
        ),
        ("AU9540", known_bad::SOUND),
        ("", known_bad::SOUND),
        ("éé 00", known_bad::SOUND),
    ];
    let cases = cases.into_iter().map(|(name, expected)| {
        let root = tempfile::tempdir().unwrap();
        let mut place = Place::below(root.path());
        with_readers(&mut place, 1);
        let picture = Arc::make_mut(place.picture.as_mut().unwrap());
        picture.readers[0].name.0 = name.into();
        single("reader-known-bad", expected, known_bad(&place))
    });
    let mut cases: Vec<Case> = cases.collect();
    for (vendor, product, expected) in [
        ("0a5c", "5834", known_bad::FIRMWARE),
        ("058f", "9540", known_bad::CUTS_ANSWERS),
        ("04e6", "5834", known_bad::SOUND),
    ] {
        let root = tempfile::tempdir().unwrap();
        let mut place = Place::below(root.path());
        bus(&place);
        write(&place, &format!("{BUS}/1-2/idVendor"), vendor);
        write(&place, &format!("{BUS}/1-2/idProduct"), product);
        with_readers(&mut place, 1);
        cases.push(single("reader-known-bad", expected, known_bad(&place)));
    }
    cases
}
