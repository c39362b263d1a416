//! Another program on the same machine that tries its luck with the card.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};

use super::commands;
use crate::pcscd::SOCKET_VARIABLE;
use crate::virtual_card::instruction;
use crate::virtual_card::key::KeyAlgorithm;

/// The card did what was asked.
pub const SUCCESS: u16 = 0x9000;

/// Security status not satisfied: nobody is logged in.
pub const SECURITY_STATUS: u16 = 0x6982;

/// Part of a long command, with more to come.
const CHAINED: u8 = 0x10;

/// The key for authentication.
const SLOT_9A: u8 = 0x9A;

/// Chooses PIV.
pub fn select_piv() -> Vec<u8> {
    vec![
        0,
        instruction::SELECT,
        4,
        0,
        9,
        0xA0,
        0,
        0,
        3,
        8,
        0,
        0,
        0x10,
        0,
    ]
}

/// Chooses an applet of the CAC edge by the end of its identifier.
pub fn select_applet(end: [u8; 2]) -> Vec<u8> {
    let [family, instance] = end;
    vec![
        0,
        instruction::SELECT,
        4,
        0,
        7,
        0xA0,
        0,
        0,
        0,
        0x79,
        family,
        instance,
        0,
    ]
}

/// Gives a PIN of eight digits to the applet that is selected.
pub fn verify_applet_with(pin: &str) -> Vec<u8> {
    [&[0, instruction::VERIFY, 0, 0, 8], pin.as_bytes()].concat()
}

/// Uses the RSA-2048 key of the applet that is selected, in two commands.
pub fn applet_key_use() -> Vec<Vec<u8>> {
    const MORE: u8 = 0x80;
    let block = [&[0x00, 0x01][..], &[0xFF; 254]].concat();
    let (first, last) = block.split_at(240);
    let command = |p1: u8, part: &[u8], le: &[u8]| {
        let length = u8::try_from(part.len()).unwrap_or(u8::MAX);
        [&[0x80, instruction::SIGN_DECRYPT, p1, 0, length], part, le].concat()
    };
    vec![command(MORE, first, &[]), command(0, last, &[0])]
}

/// Gives a PIN of eight digits to the card.
pub fn verify_with(pin: &str) -> Vec<u8> {
    [&[0, instruction::VERIFY, 0, 0x80, 8], pin.as_bytes()].concat()
}

/// Uses the key for authentication, in one command or more.
pub fn key_use(algorithm: KeyAlgorithm) -> Vec<Vec<u8>> {
    let padded = |length: usize| [&[0x00, 0x01][..], &vec![0xFF; length - 2]].concat();
    let (identifier, head, block) = match algorithm {
        KeyAlgorithm::Rsa2048 => (
            0x07,
            &[0x7C, 0x82, 0x01, 0x06, 0x82, 0x00, 0x81, 0x82, 0x01, 0x00][..],
            padded(256),
        ),
        KeyAlgorithm::Rsa3072 => (
            0x05,
            &[0x7C, 0x82, 0x01, 0x86, 0x82, 0x00, 0x81, 0x82, 0x01, 0x80][..],
            padded(384),
        ),
        KeyAlgorithm::P256 => (
            0x11,
            &[0x7C, 0x24, 0x82, 0x00, 0x81, 0x20][..],
            vec![0x5A; 32],
        ),
        KeyAlgorithm::P384 => (
            0x14,
            &[0x7C, 0x34, 0x82, 0x00, 0x81, 0x30][..],
            vec![0x5A; 48],
        ),
    };
    let template = [head, &block].concat();
    let parts: Vec<&[u8]> = template.chunks(255).collect();
    parts
        .iter()
        .enumerate()
        .map(|(at, part)| {
            let is_last = at + 1 == parts.len();
            let class = if is_last { 0 } else { CHAINED };
            let length = u8::try_from(part.len()).unwrap_or(u8::MAX);
            let header = [
                class,
                instruction::GENERAL_AUTHENTICATE,
                identifier,
                SLOT_9A,
                length,
            ];
            let le: &[u8] = if is_last { &[0] } else { &[] };
            [&header, *part, le].concat()
        })
        .collect()
}

/// One connection, these commands, the status word of each.
pub(super) fn send(pcscd: &Path, reader: usize, apdus: &[Vec<u8>]) -> anyhow::Result<Vec<u16>> {
    let mut command = Command::new("opensc-tool");
    command
        // The default driver sends nothing of its own.
        .args(["--card-driver", "default", "--reader", &reader.to_string()])
        .env(SOCKET_VARIABLE, pcscd);
    for apdu in apdus {
        let hex: Vec<String> = apdu.iter().map(|byte| format!("{byte:02X}")).collect();
        command.args(["--send-apdu", &hex.join(":")]);
    }
    let output = commands::run(command, b"").context("opensc-tool runs (Debian package opensc)")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let words: Vec<u16> = text.lines().filter_map(status_word).collect();
    ensure!(
        words.len() == apdus.len(),
        "opensc-tool has answers to {} of {} commands:\n{text}{}",
        words.len(),
        apdus.len(),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(words)
}

/// `Received (SW1=0x90, SW2=0x00)`
fn status_word(line: &str) -> Option<u16> {
    let line = line.strip_prefix("Received (SW1=0x")?;
    let high = u8::from_str_radix(line.get(..2)?, 16).ok()?;
    let (_, line) = line.split_once("SW2=0x")?;
    let low = u8::from_str_radix(line.get(..2)?, 16).ok()?;
    Some(u16::from_be_bytes([high, low]))
}
