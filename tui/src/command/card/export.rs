//! `cacctl card export`: the certificates of a card, as files for other programs.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use cac_common::certificate::Slot;
use cac_common::client::Client;
use cac_common::identity::readable;
use cac_common::interface::{ExportedCertificate, GetCertificates};
use cac_common::snapshot::Stage;

use crate::cli::{CardExport, Slots};
use crate::failure::{Exit, Failure};
use crate::{holders, print};

/// A certificate is shown to whoever one signs in to: others may read it.
const MODE: u32 = 0o644;

/// What a certificate stands between (RFC 7468 §5.1).
const BEGIN: &str = "-----BEGIN CERTIFICATE-----\n";
const END: &str = "\n-----END CERTIFICATE-----\n";

pub(super) async fn run(socket: &Path, wanted: &CardExport) -> Result<Exit, Failure> {
    let mut client = Client::connect(socket).await?;
    let snapshot = client.snapshot().await?;
    let (reader, card) = super::find(&snapshot, wanted.reader.as_deref())?;
    match &card.stage {
        Stage::Failed { cause } => {
            return Err(Failure::CardUnreadable {
                cause: readable(cause),
            });
        }
        Stage::Held => {
            return Err(Failure::CardHeld {
                suspects: holders::suspects(),
            });
        }
        Stage::Reading { .. } | Stage::Read => {}
    }
    let request = GetCertificates {
        reader: reader.name.clone(),
    };
    let certificates = chosen(client.certificates(&request).await?, wanted.slot)?;
    let mut out = io::stdout().lock();
    if wanted.out == Path::new("-") {
        for certificate in &certificates {
            print::bytes(&mut out, certificate.pem.as_bytes())?;
        }
        return Ok(Exit::Fine);
    }
    let files = files(&wanted.out, &certificates);
    prepare(&wanted.out, &files, wanted.force)?;
    for (path, certificate) in &files {
        write(path, certificate.pem.as_bytes()).map_err(|source| not_written(path, source))?;
        let ExportedCertificate { slot, sha256, .. } = certificate;
        let told = format!("{}: {slot}, SHA-256 {}", path.display(), readable(sha256));
        print::line(&mut out, &told)?;
    }
    Ok(Exit::Fine)
}

/// Those that were asked for, each of them a certificate.
fn chosen(
    mut certificates: Vec<ExportedCertificate>,
    wanted: Slots,
) -> Result<Vec<ExportedCertificate>, Failure> {
    if let Slots::One(slot) = wanted {
        certificates.retain(|certificate| certificate.slot == slot);
    }
    if certificates.is_empty() {
        return Err(match wanted {
            Slots::All => Failure::NoCertificate,
            Slots::One(slot) => Failure::NoSuchCertificate(slot),
        });
    }
    match certificates.iter().find(|one| !is_certificate(&one.pem)) {
        Some(other) => Err(Failure::NotPem(other.slot)),
        None => Ok(certificates),
    }
}

/// One block of one certificate, and nothing else.
fn is_certificate(pem: &str) -> bool {
    let text = pem
        .strip_prefix(BEGIN)
        .and_then(|rest| rest.strip_suffix(END));
    text.is_some_and(|text| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/=\n".contains(&byte))
    })
}

fn files<'a>(
    folder: &Path,
    certificates: &'a [ExportedCertificate],
) -> Vec<(PathBuf, &'a ExportedCertificate)> {
    certificates
        .iter()
        .map(|certificate| (folder.join(file_name(certificate.slot)), certificate))
        .collect()
}

/// `9A-authentication.pem`: where it lies, and nothing of its holder.
fn file_name(slot: Slot) -> String {
    let told = slot.to_string();
    let (number, title) = told.split_once(' ').unwrap_or((&told, "certificate"));
    format!("{number}-{}.pem", title.to_lowercase().replace(' ', "-"))
}

/// Makes the folder, and sees that nothing that is there is lost unasked.
fn prepare(
    folder: &Path,
    files: &[(PathBuf, &ExportedCertificate)],
    force: bool,
) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|source| not_written(folder, source))?;
    for (path, _) in files {
        if fs::symlink_metadata(path).is_err() {
            continue;
        }
        if !force {
            return Err(Failure::FileExists { path: path.clone() });
        }
        // Removed, so that a link that lies there leads nowhere.
        fs::remove_file(path).map_err(|source| not_written(path, source))?;
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(path)?
        .write_all(bytes)
}

fn not_written(path: &Path, source: io::Error) -> Failure {
    Failure::File {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_after_the_place_alone() {
        for (number, name) in [
            (0x9A, "9A-authentication.pem"),
            (0x9D, "9D-encryption.pem"),
            (0x95, "95-retired.pem"),
            (0x010F, "010F-cac-applet.pem"),
        ] {
            assert_eq!(file_name(Slot::from_number(number).unwrap()), name);
        }
    }

    #[test]
    fn only_one_certificate_is_one() {
        let whole = format!("{BEGIN}MAA={END}");

        assert!(is_certificate(&whole));
        for other in [
            String::new(),
            "MAA=".into(),
            format!("{whole}{whole}"),
            whole.replace("CERTIFICATE", "PRIVATE KEY"),
            whole.replace("MAA=", "\u{1b}[2J"),
            whole.trim_end().into(),
        ] {
            assert!(!is_certificate(&other), "{other}");
        }
    }
}
