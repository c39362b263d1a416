//! OpenSC works with each of the cards as with a real one.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output};

use cac_tests::pcscd::{PrivatePcscd, SOCKET_VARIABLE};
use cac_tests::virtual_card::cac::{AcaPlace, CacHabits, CertificateForm, Edges, certificates};
use cac_tests::virtual_card::card_file::{CardFile, Slot};
use cac_tests::virtual_card::vpcd::Insertion;
use cac_tests::virtual_card::{CardHandle, CardModel, samples};
use cac_tests::wait::wait_until;
use cacd::card::transport::Protocol;

use crate::bench::{LIMIT, over};

/// Which of OpenSC's drivers is to try first; it finds the others by itself.
const DRIVER_VARIABLE: &str = "OPENSC_DRIVER";

/// A card in the only reader of a pcscd, and a folder to work in.
struct Bench {
    pcscd: PrivatePcscd,
    card: CardHandle,
    driver: Option<&'static str>,
    _insertion: Insertion,
    folder: tempfile::TempDir,
}

impl Bench {
    fn with(file: &CardFile, model: CardModel) -> Self {
        let pcscd = PrivatePcscd::start(1).unwrap();
        let card = CardHandle::new(file, model).unwrap();
        let insertion = Insertion::new(&card, pcscd.port(0)).unwrap();
        let bench = Self {
            pcscd,
            card,
            driver: None,
            _insertion: insertion,
            folder: tempfile::tempdir().unwrap(),
        };
        // pcscd looks for cards a few times a second.
        wait_until("pcscd sees the card", LIMIT, || {
            said(&bench.run("opensc-tool", &["--list-readers"]))
                .lines()
                .any(|line| line.starts_with("0    Yes"))
        })
        .unwrap();
        bench
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env(SOCKET_VARIABLE, self.pcscd.socket())
            .current_dir(self.folder.path());
        if let Some(driver) = self.driver {
            command.env(DRIVER_VARIABLE, driver);
        }
        command
            .output()
            .expect("OpenSC runs (Debian package opensc)")
    }

    /// Every certificate that pkcs11-tool lists, DER.
    fn listed(&self) -> BTreeSet<Vec<u8>> {
        let output = self.run("pkcs11-tool", &["--list-objects", "--type", "cert"]);
        let said = said(&output);
        assert!(output.status.success(), "{said}");
        said.lines()
            .filter_map(|line| line.trim().strip_prefix("ID:"))
            .map(|id| {
                let read = ["--read-object", "--type", "cert", "--id", id.trim()];
                let output = self.run("pkcs11-tool", &read);
                assert!(output.status.success(), "{said}");
                output.stdout
            })
            .collect()
    }

    /// Signs with the key of this id and says whether the certificate vouches for it.
    fn sign_and_verify(&self, id: &str, certificate: &[u8]) -> Result<(), String> {
        fs::write(self.folder.path().join("message"), "the holder was here").unwrap();
        fs::write(self.folder.path().join("certificate"), certificate).unwrap();
        let signing = self.run(
            "pkcs11-tool",
            &[
                "--sign",
                "--id",
                id,
                "--pin",
                samples::PIN,
                "--mechanism",
                "SHA256-RSA-PKCS",
                "--input-file",
                "message",
                "--output-file",
                "signature",
            ],
        );
        if !signing.status.success() {
            return Err(said(&signing));
        }
        let key = self.run(
            "openssl",
            &[
                "x509",
                "-in",
                "certificate",
                "-inform",
                "DER",
                "-noout",
                "-pubkey",
            ],
        );
        fs::write(self.folder.path().join("key"), key.stdout).unwrap();
        let verdict = self.run(
            "openssl",
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
        verdict
            .status
            .success()
            .then_some(())
            .ok_or_else(|| said(&verdict))
    }
}

fn said(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{out}\n{err}")
}

fn over_t1(edges: Edges) -> CardModel {
    over(edges, Protocol::T1)
}

fn on_cac_edge(file: &CardFile, edges: Edges) -> BTreeSet<Vec<u8>> {
    certificates(file, edges)
        .iter()
        .map(|found| found.certificate.to_vec())
        .collect()
}

/// OpenSC has to find what lies on the CAC edge, and nothing else.
fn assert_lists_all(model: CardModel) {
    let bench = Bench::with(samples::janes_cac(), model);

    let listed = bench.listed();

    assert!(!listed.is_empty());
    assert!(listed == on_cac_edge(samples::janes_cac(), model.edges));
}

#[test]
fn the_three_certificates_of_a_cac_are_listed() {
    assert_lists_all(over_t1(Edges::Cac));
}

#[test]
fn the_three_certificates_of_a_cac_with_t0_are_listed() {
    assert_lists_all(over(Edges::Cac, Protocol::T0));
}

#[test]
fn the_certificate_of_a_token_is_listed() {
    assert_lists_all(over_t1(Edges::Alt));
}

#[test]
fn the_certificate_of_a_token_with_t0_is_listed() {
    assert_lists_all(over(Edges::Alt, Protocol::T0));
}

#[test]
fn the_certificates_of_bare_applets_are_listed() {
    assert_lists_all(over_t1(Edges::Bare));
}

#[test]
fn the_certificates_of_a_first_cac_are_listed() {
    assert_lists_all(over_t1(Edges::Cac1));
}

#[test]
fn compressed_certificates_are_listed() {
    for edges in [Edges::Cac, Edges::Cac1] {
        assert_lists_all(CardModel {
            cac: CacHabits {
                certificates: CertificateForm::Gzip,
                ..CacHabits::USUAL
            },
            ..over_t1(edges)
        });
    }
}

#[test]
fn a_card_that_insists_on_its_answer_to_select_is_listed() {
    assert_lists_all(CardModel {
        cac: CacHabits {
            wants_answer_to_select: true,
            ..CacHabits::USUAL
        },
        ..over_t1(Edges::Cac)
    });
}

#[test]
fn a_token_with_its_aca_in_the_other_place_signs() {
    let file = samples::janes_cac();
    let found = &certificates(file, Edges::Alt)[0];
    let model = CardModel {
        cac: CacHabits {
            aca: AcaPlace::Alternate,
            ..CacHabits::USUAL
        },
        ..over_t1(Edges::Alt)
    };
    let bench = Bench::with(file, model);

    assert_eq!(bench.sign_and_verify("0001", found.certificate), Ok(()));
}

#[test]
fn each_edge_of_a_dual_card_shows_its_own_certificates() {
    let file = samples::janes_cac();
    let mut bench = Bench::with(file, over_t1(Edges::Dual));

    let over_piv = bench.listed();
    bench.driver = Some("cac");
    let over_cac = bench.listed();

    assert!(over_piv == Slot::ALL.map(|slot| file.certificate(slot).to_vec()).into());
    assert!(over_cac == on_cac_edge(file, Edges::Dual));
    assert_eq!(over_piv.intersection(&over_cac).count(), 2);
}

#[test]
fn every_edge_signs_with_the_pin() {
    let file = samples::janes_cac();
    for (edges, driver) in [
        (Edges::Cac, None),
        (Edges::Dual, Some("cac")),
        (Edges::Alt, None),
        (Edges::Bare, None),
        (Edges::Cac1, None),
    ] {
        let mut bench = Bench::with(file, over_t1(edges));
        bench.driver = driver;
        bench.card.clear_log();
        let first = &certificates(file, edges)[0];

        let verdict = bench.sign_and_verify("0001", first.certificate);

        assert_eq!(verdict, Ok(()), "{edges:?}");
        assert_eq!(bench.card.log().key_operations(), 1, "{edges:?}");
        assert_eq!(bench.card.tries_left(), 3, "{edges:?}");
    }
}

#[test]
fn the_signature_key_of_a_cac_signs_too() {
    let file = samples::janes_cac();
    let bench = Bench::with(file, over(Edges::Cac, Protocol::T0));
    let signature = &certificates(file, Edges::Cac)[1];

    assert_eq!(bench.sign_and_verify("0002", signature.certificate), Ok(()));
}

#[test]
fn a_dual_card_signs_over_piv() {
    let file = samples::janes_cac();
    let bench = Bench::with(file, over_t1(Edges::Dual));

    let verdict = bench.sign_and_verify("01", file.certificate(Slot::Authentication));

    assert_eq!(verdict, Ok(()));
}

#[test]
fn an_old_card_signs_with_its_short_key() {
    let file = samples::old_cac();
    let bench = Bench::with(file, over_t1(Edges::Cac));
    let identity = &certificates(file, Edges::Cac)[0];

    assert_eq!(bench.sign_and_verify("0001", identity.certificate), Ok(()));
}

#[test]
fn a_wrong_pin_costs_one_try() {
    let bench = Bench::with(samples::janes_cac(), over_t1(Edges::Cac));

    let output = bench.run("pkcs11-tool", &["--login", "--pin", "111111", "-O"]);

    assert!(
        said(&output).contains("CKR_PIN_INCORRECT"),
        "{}",
        said(&output)
    );
    assert_eq!(bench.card.tries_left(), 2);
}

#[test]
fn openssl_follows_the_certificates_up_to_the_root() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("root", &samples::authority().root_pem());
    write("issuing", &samples::authority().issuing_pem());

    for found in certificates(samples::janes_cac(), Edges::Cac) {
        fs::write(folder.path().join("certificate"), found.certificate).unwrap();
        let verdict = Command::new("openssl")
            .args(["verify", "-x509_strict", "-CAfile", "root"])
            .args(["-untrusted", "issuing", "certificate"])
            .current_dir(folder.path())
            .output()
            .expect("openssl runs (Debian package openssl)");
        assert!(verdict.status.success(), "{}", said(&verdict));
    }
}
