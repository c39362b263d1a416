//! What the issuer signed beside the certificates, and what can be wrong with it.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output};

use aws_lc_rs::digest::{self, SHA256};
use cac_tests::clock;
use cac_tests::virtual_card::card_file::{CardFile, Slot};
use cac_tests::virtual_card::certificate::Validity;
use cac_tests::virtual_card::issuer::CardOrder;
use cac_tests::virtual_card::issuer::blemish::Blemish;
use cac_tests::virtual_card::key::KeyAlgorithm;
use cac_tests::virtual_card::person::Person;
use cac_tests::virtual_card::samples;

use crate::bench::*;
use crate::identity::{FASC_N, alt_names, end_of, other_name, parse};

const SECURITY_OBJECT: [u8; 3] = [0x5F, 0xC1, 0x06];
const NO_BLEMISH: &[Blemish] = &[];

/// Jane Doe's card with this wrong, on the faster keys.
fn card(blemishes: &[Blemish]) -> CardFile {
    let order = CardOrder {
        blemishes,
        ..samples::order(
            Person::jane_doe(),
            KeyAlgorithm::P256,
            Validity::current(clock::now()),
        )
    };
    samples::authority().issue_card(&order).unwrap()
}

/// Everything about the card that does not agree, each found without regard to the others.
fn faults(file: &CardFile) -> BTreeSet<&'static str> {
    let chuid = Elements::of(file.object(&CHUID).unwrap());
    let security = Elements::of(file.object(&SECURITY_OBJECT).unwrap());
    let login = parse(file, Slot::Authentication);
    let names = alt_names(&login);
    let mut faults = BTreeSet::new();
    let mut check = |fault, is_right: bool| {
        if !is_right {
            faults.insert(fault);
        }
    };

    let fascn = other_name(&names, FASC_N).unwrap().value();
    check("FASC-N", chuid.value(0x30) == fascn);
    check("UUID", chuid.value(0x34) == file.card_id);
    let (ends, today) = (chuid.value(0x35), end_of(clock::now()));
    let last = end_of(
        login
            .tbs_certificate()
            .validity()
            .not_after
            .to_system_time(),
    );
    check("dates", ends == last.as_bytes());
    check("ended", ends >= today.as_bytes());

    let hash = digest::digest(&SHA256, Elements::inside(file.object(&CHUID).unwrap()));
    let hashes = security.value(0xBB);
    check("hash", hashes.windows(32).any(|part| part == hash.as_ref()));

    let judge = Judge::new();
    let signature = chuid.value(0x3E);
    check("unsigned", !signature.is_empty());
    if !signature.is_empty() {
        let message = chuid.without(0x3E);
        let verdict = judge.verify(signature, Some(&message), &["-noverify"]);
        let said = String::from_utf8_lossy(&verdict.stderr).into_owned();
        // OpenSSL has one word for both, and says where it was.
        check("content", !said.contains("verify_content"));
        check(
            "signature",
            verdict.status.success() || said.contains("verify_content"),
        );
        judge.keep_signer(signature);
        check("signer", judge.knows_the_signer());
        let verdict = judge.verify(hashes, None, &["-noverify", "-certfile", "signer"]);
        check("security object", verdict.status.success());
    }
    faults
}

/// OpenSSL, in a folder of its own.
struct Judge(tempfile::TempDir);

impl Judge {
    fn new() -> Self {
        let judge = Self(tempfile::tempdir().unwrap());
        judge.write("root", samples::authority().root_pem().as_bytes());
        judge.write("issuing", samples::authority().issuing_pem().as_bytes());
        judge
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.path().join(name), bytes).unwrap();
    }

    fn openssl(&self, arguments: &[&str]) -> Output {
        Command::new("openssl")
            .args(arguments)
            .current_dir(self.0.path())
            .output()
            .expect("openssl runs (Debian package openssl)")
    }

    fn verify(&self, signature: &[u8], content: Option<&[u8]>, more: &[&str]) -> Output {
        self.write("signature", signature);
        let mut arguments = vec!["cms", "-verify", "-binary", "-inform", "DER"];
        arguments.extend(["-in", "signature", "-out", "content-signed"]);
        if let Some(content) = content {
            self.write("content", content);
            arguments.extend(["-content", "content"]);
        }
        arguments.extend(more);
        self.openssl(&arguments)
    }

    /// Keeps the certificate that travels with a signature.
    fn keep_signer(&self, signature: &[u8]) {
        self.write("signature", signature);
        let arguments = ["pkcs7", "-inform", "DER", "-in", "signature"];
        let output = self.openssl(&[&arguments[..], &["-print_certs", "-out", "signer"]].concat());
        assert!(output.status.success(), "{output:?}");
    }

    fn knows_the_signer(&self) -> bool {
        let arguments = ["verify", "-CAfile", "root", "-untrusted", "issuing"];
        let output = self.openssl(&[&arguments[..], &["signer"]].concat());
        output.status.success()
    }
}

#[test]
fn openssl_finds_nothing_wrong_with_a_card() {
    for file in [&card(NO_BLEMISH), samples::jane_with_history()] {
        assert_eq!(faults(file), BTreeSet::new());
    }
}

#[test]
fn every_blemish_is_there_and_nothing_else_is_wrong() {
    for blemish in Blemish::ALL {
        let expected: &[&str] = match blemish {
            Blemish::ChuidUnsigned => &["unsigned"],
            Blemish::ChuidTampered => &["content"],
            Blemish::ChuidSignatureBroken => &["signature"],
            Blemish::FascnDiffers => &["FASC-N"],
            Blemish::UuidDiffers => &["UUID"],
            Blemish::CardEndsFirst => &["dates"],
            // A card that has ended has ended before certificates that have not.
            Blemish::CardEnded => &["dates", "ended"],
            Blemish::SecurityHashWrong => &["hash"],
            Blemish::SignerUnknown => &["signer"],
        };

        let found = faults(&card(&[blemish]));

        assert_eq!(found, expected.iter().copied().collect(), "{blemish:?}");
    }
}

#[test]
fn blemishes_come_together() {
    let found = faults(&card(&[Blemish::UuidDiffers, Blemish::SignerUnknown]));

    assert_eq!(found, BTreeSet::from(["UUID", "signer"]));
}

#[test]
fn a_signed_chuid_has_the_size_of_a_real_one() {
    let chuid = samples::jane().object(&CHUID).unwrap();
    let security = samples::jane().object(&SECURITY_OBJECT).unwrap();

    assert!((1700..=2500).contains(&chuid.len()), "{}", chuid.len());
    assert!(security.len() <= 1336, "{}", security.len());
}

#[test]
fn the_numbers_of_the_chuid_stand_in_its_first_reply() {
    let chuid = samples::jane().object(&CHUID).unwrap();

    let signature = chuid
        .windows(2)
        .position(|pair| pair == [0x3E, 0x82])
        .unwrap();

    assert!(signature < 256, "{signature}");
}

#[test]
fn the_security_object_names_its_containers_and_no_certificate() {
    let security = Elements::of(samples::jane().object(&SECURITY_OBJECT).unwrap());

    assert_eq!(security.value(0xBA), [1, 0x30, 0x00, 2, 0x30, 0x01]);
    let judge = Judge::new();
    judge.keep_signer(security.value(0xBB));
    let signer = fs::read_to_string(judge.0.path().join("signer")).unwrap();
    assert!(!signer.contains("BEGIN CERTIFICATE"), "{signer}");
}
