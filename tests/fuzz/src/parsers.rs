//! One target, named by `CACD_FUZZ_TARGET`, under libFuzzer. All of them share
//! one program, so that there is one to build.
#![no_main]

use std::sync::LazyLock;

use cac_tests::fuzz::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;

const VARIABLE: &str = "CACD_FUZZ_TARGET";

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var(VARIABLE).unwrap_or_default();
    let found = TARGETS.into_iter().find(|target| target.name == name);
    found.unwrap_or_else(|| panic!("{VARIABLE} names none of the targets, but {name:?}"))
});

fuzz_target!(|data: &[u8]| {
    (TARGET.run)(data);
});
