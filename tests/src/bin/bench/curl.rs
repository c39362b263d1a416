//! curl with OpenSC behind OpenSSL's engine for PKCS#11.

use std::path::Path;

use anyhow::ensure;
use cac_tests::servers::{Running, by_card};
use cac_tests::virtual_card::samples;

use crate::other::start;
use crate::place::Place;

/// As it stands in the table.
pub(crate) const NAME: &str = "curl, OpenSC's engine";

/// Which module the engine loads, in the engine's own variable.
const MODULE: &str = "PKCS11_MODULE_PATH=opensc-pkcs11.so";

/// Has OpenSC keep what it read of a card, which it does not by itself.
const KEEPING: &str = "app default { framework pkcs15 { use_file_caching = public; } }";

/// The page of a server that demands the card's certificate. What OpenSC
/// keeps, it keeps in `home`.
pub(crate) fn sign_in(
    place: &Place,
    server: &Running,
    anchor: &Path,
    home: &Path,
) -> anyhow::Result<()> {
    let (key, certificate) = (
        format!("pkcs11:id=%01;type=private;pin-value={}", samples::PIN),
        "pkcs11:id=%01;type=cert",
    );
    let configuration = home.join("opensc.conf");
    std::fs::write(&configuration, KEEPING)?;
    let configuration = format!("OPENSC_CONF={}", configuration.display());
    let (anchor, origin) = (anchor.display().to_string(), server.origin());
    let words = [
        "env",
        MODULE,
        &configuration,
        "curl",
        "--silent",
        "--show-error",
        "--noproxy",
        "*",
        "--engine",
        "pkcs11",
        "--key-type",
        "ENG",
        "--key",
        &key,
        "--cert-type",
        "ENG",
        "--cert",
        certificate,
        "--cacert",
        &anchor,
        &origin,
    ];
    let output = start(place, &words, home)?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success() && said.contains(by_card::TITLE),
        "curl does not get in (see make deps): {said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
