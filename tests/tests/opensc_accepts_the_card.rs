//! OpenSC, which knows nothing of this project, works with the virtual card as with any CAC.

#![expect(clippy::unwrap_used, reason = "what a test sets up has to work")]

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use cac_tests::pcscd::{PrivatePcscd, SOCKET_VARIABLE};
use cac_tests::virtual_card::card_file::{CardFile, Slot};
use cac_tests::virtual_card::fault::Moment;
use cac_tests::virtual_card::vpcd::Insertion;
use cac_tests::virtual_card::{CardHandle, CardModel, instruction, samples};
use cac_tests::wait::wait_until;

const LIMIT: Duration = Duration::from_secs(10);

/// The names people know from their browsers.
const LABELS: [&str; 4] = [
    "Certificate for PIV Authentication",
    "Certificate for Digital Signature",
    "Certificate for Key Management",
    "Certificate for Card Authentication",
];

/// A card in the only reader of a pcscd, and a folder to work in.
struct Bench {
    pcscd: PrivatePcscd,
    card: CardHandle,
    _insertion: Insertion,
    folder: tempfile::TempDir,
}

impl Bench {
    fn with(file: &CardFile, model: CardModel) -> Self {
        let pcscd = PrivatePcscd::start(1).unwrap();
        let card = CardHandle::new(file, model).unwrap();
        let insertion = Insertion::new(&card, pcscd.port(0)).unwrap();
        // pcscd looks for cards a few times a second.
        wait_until("pcscd sees the card", LIMIT, || has_card(&pcscd)).unwrap();
        Self {
            pcscd,
            card,
            _insertion: insertion,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn pkcs11_tool<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Output {
        Command::new("pkcs11-tool")
            .args(arguments)
            .env(SOCKET_VARIABLE, self.pcscd.socket())
            .current_dir(self.folder.path())
            .output()
            .expect("pkcs11-tool runs (Debian package opensc)")
    }

    /// Signs `message` with the key in a slot; gives what pkcs11-tool had to say.
    fn sign(&self, id: &str, mechanism: &[&str], pin: &str) -> Output {
        fs::write(self.path("message"), "the holder was here").unwrap();
        let arguments = [
            "--sign",
            "--id",
            id,
            "--pin",
            pin,
            "--input-file",
            "message",
            "--output-file",
            "signature",
        ];
        self.pkcs11_tool(
            arguments
                .iter()
                .chain(["--mechanism"].iter())
                .chain(mechanism),
        )
    }

    /// Whether the signature is by the key of this certificate.
    fn openssl_verifies(&self, file: &CardFile, slot: Slot) -> bool {
        fs::write(self.path("certificate"), file.certificate_pem(slot)).unwrap();
        let key = openssl(
            self.folder.path(),
            &["x509", "-in", "certificate", "-noout", "-pubkey"],
        );
        fs::write(self.path("key"), key.stdout).unwrap();
        let verdict = openssl(
            self.folder.path(),
            &[
                "dgst",
                "-sha256",
                "-verify",
                "key",
                "-signature",
                "signature",
                "message",
            ],
        );
        verdict.status.success()
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }
}

/// Whether a client would find a card in the first reader.
fn has_card(pcscd: &PrivatePcscd) -> bool {
    let output = Command::new("opensc-tool")
        .arg("--list-readers")
        .env(SOCKET_VARIABLE, pcscd.socket())
        .output()
        .expect("opensc-tool runs (Debian package opensc)");
    said(&output)
        .lines()
        .any(|line| line.starts_with("0    Yes"))
}

fn openssl(folder: &Path, arguments: &[&str]) -> Output {
    Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("openssl runs (Debian package openssl)")
}

fn said(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{out}\n{err}")
}

fn assert_lists_four_certificates(bench: &Bench) {
    let output = bench.pkcs11_tool(["--list-objects", "--type", "cert"]);

    let said = said(&output);
    assert!(output.status.success(), "{said}");
    for label in LABELS {
        assert!(said.contains(label), "{label} is missing in\n{said}");
    }
}

#[test]
fn four_certificates_are_listed_from_a_card_with_t1() {
    assert_lists_four_certificates(&Bench::with(samples::jane(), CardModel::T1));
}

#[test]
fn four_certificates_are_listed_from_a_card_with_t0() {
    assert_lists_four_certificates(&Bench::with(samples::jane(), CardModel::T0));
}

#[test]
fn an_rsa_signature_with_the_pin_is_good() {
    let bench = Bench::with(samples::jane(), CardModel::T1);

    let output = bench.sign("01", &["SHA256-RSA-PKCS"], samples::PIN);

    assert!(output.status.success(), "{}", said(&output));
    assert!(bench.openssl_verifies(samples::jane(), Slot::Authentication));
    assert_eq!(bench.card.log().key_operations(), 1);
}

#[test]
fn an_rsa_signature_from_a_card_with_t0_is_good() {
    let bench = Bench::with(samples::jane(), CardModel::T0);

    let output = bench.sign("01", &["SHA256-RSA-PKCS"], samples::PIN);

    assert!(output.status.success(), "{}", said(&output));
    assert!(bench.openssl_verifies(samples::jane(), Slot::Authentication));
}

#[test]
fn the_signature_key_signs_when_the_pin_is_given_right_before() {
    let bench = Bench::with(samples::jane(), CardModel::T1);

    let output = bench.sign("02", &["SHA256-RSA-PKCS"], samples::PIN);

    assert!(output.status.success(), "{}", said(&output));
    assert!(bench.openssl_verifies(samples::jane(), Slot::Signature));
}

#[test]
fn an_elliptic_curve_signature_with_the_pin_is_good() {
    let bench = Bench::with(samples::john(), CardModel::T1);

    let output = bench.sign(
        "01",
        &["ECDSA-SHA256", "--signature-format", "openssl"],
        samples::PIN,
    );

    assert!(output.status.success(), "{}", said(&output));
    assert!(bench.openssl_verifies(samples::john(), Slot::Authentication));
}

#[test]
fn a_wrong_pin_costs_one_try_and_gives_no_signature() {
    let bench = Bench::with(samples::john(), CardModel::T1);

    let output = bench.sign("01", &["ECDSA-SHA256"], "00000000");

    assert!(!output.status.success());
    assert_eq!(bench.card.tries_left(), 2);
    assert_eq!(bench.card.log().key_operations(), 0);
}

#[test]
fn a_card_pulled_half_way_gives_no_signature() {
    let bench = Bench::with(samples::jane(), CardModel::T1);
    bench
        .card
        .pull_at(Moment::next(instruction::GENERAL_AUTHENTICATE).after(1));

    let output = bench.sign("01", &["SHA256-RSA-PKCS"], samples::PIN);

    assert!(!output.status.success());
    assert!(!bench.card.is_in());
    assert_eq!(bench.card.log().key_operations(), 0);
}

#[test]
fn openssl_follows_every_certificate_up_to_the_root() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("root"), samples::authority().root_pem()).unwrap();
    fs::write(
        folder.path().join("issuing"),
        samples::authority().issuing_pem(),
    )
    .unwrap();

    for file in [samples::jane(), samples::john()] {
        for slot in Slot::ALL {
            fs::write(
                folder.path().join("certificate"),
                file.certificate_pem(slot),
            )
            .unwrap();
            let verdict = openssl(
                folder.path(),
                &[
                    "verify",
                    "-x509_strict",
                    "-CAfile",
                    "root",
                    "-untrusted",
                    "issuing",
                    "certificate",
                ],
            );
            assert!(verdict.status.success(), "{slot:?}: {}", said(&verdict));
        }
    }
}
