//! OpenSC and yubico-piv-tool, which know nothing of this project, work with
//! the virtual card as with any other.

#![expect(clippy::unwrap_used, reason = "what a test sets up has to work")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use aws_lc_rs::digest;
use cac_common::time::UtcSeconds;
use cac_tests::clock;
use cac_tests::pcscd::{PrivatePcscd, SOCKET_VARIABLE};
use cac_tests::virtual_card::card_file::{CardFile, Slot};
use cac_tests::virtual_card::certificate::Validity;
use cac_tests::virtual_card::fault::Moment;
use cac_tests::virtual_card::habits::{Interface, KeyHistoryHabit, Packing, Speed};
use cac_tests::virtual_card::key::KeyAlgorithm;
use cac_tests::virtual_card::person::Person;
use cac_tests::virtual_card::vpcd::Insertion;
use cac_tests::virtual_card::{CardHandle, CardModel, instruction, samples};
use cac_tests::wait::wait_until;
use cacd::card::habits::Habits;
use cacd::card::read::{Reading, read_card};
use cacd::card::rest::{Missing, read_rest};
use der::pem;

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

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        Command::new(program)
            .args(arguments)
            .env(SOCKET_VARIABLE, self.pcscd.socket())
            .current_dir(self.folder.path())
            .output()
            .unwrap_or_else(|error| panic!("{program}: {error} (see make deps)"))
    }

    /// SHA-256 of every certificate that OpenSC finds, by its number there.
    fn seen_by_opensc(&self) -> BTreeMap<String, String> {
        let listed = self.run("pkcs11-tool", &["--list-objects", "--type", "cert"]);
        let listed = said(&listed);
        let numbers = listed
            .lines()
            .filter_map(|line| line.trim().strip_prefix("ID:"));
        let numbers = numbers.map(|number| number.trim().to_owned());
        numbers
            .map(|number| {
                let output = self.run(
                    "pkcs15-tool",
                    &["--read-certificate", &number, "--output", "seen"],
                );
                assert!(output.status.success(), "{number}: {}", said(&output));
                let (_, der) = pem::decode_vec(&fs::read(self.path("seen")).unwrap()).unwrap();
                (number, sha256(&der))
            })
            .collect()
    }

    /// The same from yubico-piv-tool, by the reference of the key.
    fn seen_by_yubico(&self) -> BTreeMap<u8, String> {
        let output = self.run(
            "yubico-piv-tool",
            &["--reader", "Virtual PCD", "--action", "status"],
        );
        let said = said(&output);
        let mut seen = BTreeMap::new();
        let mut slot = 0;
        for line in said.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix("Slot ") {
                slot = u8::from_str_radix(&name[..2], 16).unwrap();
            } else if let Some(print) = line.strip_prefix("Fingerprint:") {
                seen.insert(slot, print.trim().to_lowercase());
            }
        }
        seen
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

    /// Whether the signature over a SHA-256 is by the key of this certificate.
    fn openssl_verifies(&self, file: &CardFile, slot: Slot) -> bool {
        self.openssl_verifies_with("-sha256", file, slot)
    }

    fn openssl_verifies_with(&self, hash: &str, file: &CardFile, slot: Slot) -> bool {
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
                hash,
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

fn sha256(der: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, der);
    hex(hash.as_ref())
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

/// What is on the card, by the number that OpenSC gives to the key's place.
/// OpenSC's number for the key with this reference.
fn number(reference: u8) -> String {
    let number = match reference {
        0x9A => 1,
        0x9C..=0x9E => reference - 0x9A,
        retired => retired - 0x82 + 5,
    };
    format!("{number:02x}")
}

fn numbered(file: &CardFile) -> BTreeMap<String, String> {
    file.all_certificates()
        .map(|(reference, der)| (number(reference), sha256(der)))
        .collect()
}

fn by_reference(file: &CardFile) -> BTreeMap<u8, String> {
    file.all_certificates()
        .map(|(reference, der)| (reference, sha256(der)))
        .collect()
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

#[test]
fn opensc_sees_every_certificate_of_every_model_as_it_was_issued() {
    let file = samples::jane_with_history();
    let issued = numbered(file);
    for (name, model) in CardModel::ALL {
        let bench = Bench::with(file, model);

        let seen = bench.seen_by_opensc();

        let mut expected = issued.clone();
        expected.retain(|number, _| match (model.interface, model.key_history) {
            (Interface::Contactless(_), _) => number == "04",
            // Without a Key History nobody looks for keys of former cards.
            (_, KeyHistoryHabit::Absent) => number.as_str() < "05",
            _ => true,
        });
        assert_eq!(seen, expected, "{name}");
        println!("{name}: {} APDUs", bench.card.log().count());
        assert_eq!(seen_by_cacd(&bench.card), expected, "{name}");
    }
}

/// What the daemon's card edge finds, numbered as OpenSC does.
fn seen_by_cacd(card: &CardHandle) -> BTreeMap<String, String> {
    let habits = Habits::default();
    let mut reading = Reading {
        at: UtcSeconds(0),
        habits: &habits,
        recall: &mut |_| Vec::new(),
    };
    let mut facts = read_card(&mut card.transport(), &mut reading, &mut |_| {}).unwrap();
    if let Some(missing) = Missing::of(&facts) {
        let rest = read_rest(&mut card.transport(), &habits, &missing).unwrap();
        facts.take_rest(rest, UtcSeconds(0));
    }
    let certificates = facts.certificates.iter();
    certificates
        .map(|certificate| {
            let reference = certificate.summary.slot.key_reference().unwrap();
            (number(reference), sha256(&certificate.der))
        })
        .collect()
}

#[test]
fn opensc_unpacks_what_is_packed_as_it_is_said_to_be() {
    for packing in [Packing::Gzip, Packing::GzipAsOnOldCards, Packing::Zlib] {
        let model = CardModel {
            packing,
            ..CardModel::T1
        };

        let seen = Bench::with(samples::jane(), model).seen_by_opensc();

        assert_eq!(seen, numbered(samples::jane()), "{packing:?}");
    }
}

#[test]
fn opensc_sees_keys_of_every_kind() {
    for algorithm in [KeyAlgorithm::Rsa3072, KeyAlgorithm::P384] {
        let validity = Validity::current(clock::now());
        let order = samples::order(Person::jane_doe(), algorithm, validity);
        let file = samples::authority().issue_card(&order).unwrap();

        let seen = Bench::with(&file, CardModel::T1).seen_by_opensc();

        assert_eq!(seen, numbered(&file), "{algorithm:?}");
    }
}

#[test]
fn a_signature_with_the_longer_curve_is_good() {
    let validity = Validity::current(clock::now());
    let order = samples::order(Person::jane_doe(), KeyAlgorithm::P384, validity);
    let file = samples::authority().issue_card(&order).unwrap();
    let bench = Bench::with(&file, CardModel::T1);

    let output = bench.sign(
        "01",
        &["ECDSA-SHA384", "--signature-format", "openssl"],
        samples::PIN,
    );

    assert!(output.status.success(), "{}", said(&output));
    assert!(bench.openssl_verifies_with("-sha384", &file, Slot::Authentication));
}

/// It takes T=1, a short name and replies that nobody asked for: what its own tokens do.
#[test]
fn yubico_sees_every_certificate_of_its_tokens_and_of_cards_with_their_habits() {
    let like_its_own = CardModel {
        shortest_aid: CardModel::YUBIKEY.shortest_aid,
        replies: CardModel::YUBIKEY.replies,
        ..CardModel::T1
    };
    let file = samples::jane_with_history();
    for (name, model) in [
        ("yubikey", CardModel::YUBIKEY),
        ("neo", CardModel::NEO),
        ("a card like its own", like_its_own),
    ] {
        let bench = Bench::with(file, model);

        let seen = bench.seen_by_yubico();

        assert_eq!(seen, by_reference(file), "{name}");
        assert_eq!(bench.card.tries_left(), 3);
        println!("{name}: {} APDUs", bench.card.log().count());
    }
}

#[test]
fn a_card_takes_the_time_that_it_is_told_to() {
    let speed = Speed {
        per_apdu: Duration::from_millis(10),
        per_byte: Duration::from_micros(100),
    };
    let model = CardModel {
        speed: Some(speed),
        ..CardModel::T1
    };
    let bench = Bench::with(samples::john(), model);
    bench.card.clear_log();

    let begin = clock::instant();
    bench.run("pkcs15-tool", &["--list-certificates"]);
    let taken = begin.elapsed();

    let log = bench.card.log();
    let apdus = u32::try_from(log.count()).unwrap();
    let bytes = u32::try_from(log.bytes()).unwrap();
    assert!(apdus > 20, "{apdus} APDUs");
    assert!(
        taken >= apdus * speed.per_apdu + bytes * speed.per_byte,
        "{apdus} APDUs and {bytes} bytes in {taken:?}"
    );
}
