//! Who the card says its holder is: names and numbers agree wherever they stand.

use std::time::SystemTime;

use cac_tests::clock;
use cac_tests::virtual_card::card_file::{CardFile, Slot};
use cac_tests::virtual_card::samples;
use der::asn1::{ObjectIdentifier, OctetStringRef, Utf8StringRef};
use der::{DateTime, Decode, Tag, Tagged};
use x509_cert::Certificate;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{CertificatePolicies, ExtendedKeyUsage, SubjectAltName};

use crate::bench::*;

const UPN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.3");
pub(crate) const FASC_N: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.6.6");

pub(crate) fn parse(file: &CardFile, slot: Slot) -> Certificate {
    Certificate::from_der(file.certificate(slot)).unwrap()
}

pub(crate) fn alt_names(certificate: &Certificate) -> Vec<GeneralName> {
    let found = certificate
        .tbs_certificate()
        .get_extension::<SubjectAltName>();
    found.unwrap().unwrap().1.0
}

/// The value of an otherName, as it was encoded.
pub(crate) fn other_name(names: &[GeneralName], id: ObjectIdentifier) -> Option<&der::Any> {
    names
        .iter()
        .filter_map(|name| {
            if let GeneralName::OtherName(other) = name {
                Some(other)
            } else {
                None
            }
        })
        .find(|other| other.type_id == id)
        .map(|other| &other.value)
}

/// The value of a one-byte tag in the CHUID.
fn in_chuid(file: &CardFile, wanted: u8) -> Vec<u8> {
    let chuid = Elements::of(file.object(&CHUID).unwrap());
    chuid.value(wanted).to_vec()
}

/// A day, as the CHUID writes it.
pub(crate) fn end_of(moment: SystemTime) -> String {
    let date = DateTime::from_system_time(moment).unwrap();
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

#[test]
fn the_authentication_certificate_names_the_holder_as_the_chuid_does() {
    let jane = samples::jane();
    let certificate = parse(jane, Slot::Authentication);
    let names = alt_names(&certificate);

    let upn = other_name(&names, UPN).unwrap();
    let fascn = other_name(&names, FASC_N).unwrap();
    let uri = format!("urn:uuid:{}", jane.card_uuid());

    assert_eq!(
        upn.decode_as::<Utf8StringRef<'_>>().unwrap().as_str(),
        "1234567890157004@mil"
    );
    assert_eq!(fascn.tag(), Tag::OctetString);
    assert_eq!(
        fascn.decode_as::<&OctetStringRef>().unwrap().as_bytes(),
        in_chuid(jane, 0x30)
    );
    assert!(names.iter().any(
        |name| matches!(name, GeneralName::UniformResourceIdentifier(text) if text.as_str() == uri)
    ));
    assert_eq!(in_chuid(jane, 0x34), jane.card_id);
    assert_eq!(
        certificate.tbs_certificate().subject().to_string(),
        "CN=DOE.JANE.Q.1234567890,OU=USAF,OU=PKI,OU=DoD,O=Fictional Test Government,C=US"
    );
}

#[test]
fn the_authentication_certificate_is_for_logging_in() {
    let certificate = parse(samples::jane(), Slot::Authentication);
    let body = certificate.tbs_certificate();

    let (_, policies) = body
        .get_extension::<CertificatePolicies>()
        .unwrap()
        .unwrap();
    let (_, uses) = body.get_extension::<ExtendedKeyUsage>().unwrap().unwrap();

    let policies: Vec<_> = policies
        .0
        .iter()
        .map(|policy| policy.policy_identifier.to_string())
        .collect();
    let uses: Vec<_> = uses.0.iter().map(ToString::to_string).collect();
    assert_eq!(
        policies,
        ["2.16.840.1.101.2.1.11.42", "2.16.840.1.101.3.2.1.3.13"]
    );
    assert_eq!(
        uses,
        [
            "1.3.6.1.5.5.7.3.2",
            "1.3.6.1.4.1.311.20.2.2",
            "1.3.6.1.5.2.3.4"
        ]
    );
}

#[test]
fn the_card_authentication_certificate_names_no_person() {
    let certificate = parse(samples::jane(), Slot::CardAuthentication);

    let names = alt_names(&certificate);

    assert!(
        !certificate
            .tbs_certificate()
            .subject()
            .to_string()
            .contains("DOE")
    );
    assert!(other_name(&names, UPN).is_none());
    assert!(other_name(&names, FASC_N).is_some());
}

#[test]
fn the_chuid_expires_on_the_last_day_of_the_certificates() {
    let jane = samples::jane();
    let end = parse(jane, Slot::Authentication)
        .tbs_certificate()
        .validity()
        .not_after
        .to_system_time();

    let expected = end_of(end);

    assert_eq!(in_chuid(jane, 0x35), expected.as_bytes());
}

#[test]
fn an_expired_card_has_come_to_its_end() {
    let certificate = parse(samples::expired(), Slot::Authentication);

    let end = certificate
        .tbs_certificate()
        .validity()
        .not_after
        .to_system_time();

    assert!(end < clock::now());
}

#[test]
fn certificate_objects_have_the_size_of_real_ones() {
    for slot in Slot::ALL {
        let object = samples::jane().object(&slot.object()).unwrap();

        assert!(
            (1550..=1780).contains(&object.len()),
            "{slot:?}: {} bytes are not seven replies",
            object.len()
        );
    }
}

#[test]
fn the_name_begins_in_the_second_reply() {
    let jane = samples::jane();
    for slot in [Slot::Authentication, Slot::Signature, Slot::Encryption] {
        let object = jane.object(&slot.object()).unwrap();
        let name = jane.person.common_name();

        let at = object
            .windows(name.len())
            .position(|part| part == name.as_bytes())
            .unwrap();

        assert!((256..300).contains(&at), "{slot:?}: {at}");
    }
}

#[test]
fn a_card_with_history_has_nine_certificates_of_real_size() {
    let jane = samples::jane_with_history();

    let references: Vec<u8> = jane.all_certificates().map(|(key, _)| key).collect();

    assert_eq!(
        references,
        [0x9A, 0x9C, 0x9D, 0x9E, 0x82, 0x83, 0x84, 0x85, 0x86]
    );
    let history = Elements::of(jane.object(&[0x5F, 0xC1, 0x0C]).unwrap());
    assert_eq!(
        (history.value(0xC1), history.value(0xC2)),
        (&[5][..], &[0][..])
    );
    for ((reference, der), last) in jane.all_certificates().skip(4).zip(0x0D..) {
        let object = jane.object(&[0x5F, 0xC1, last]).unwrap();
        assert_eq!(Elements::of(object).value(0x70), der, "{reference:02X}");
        assert!((1550..=1780).contains(&object.len()), "{}", object.len());
    }
}

#[test]
fn two_cards_of_one_person_share_the_number_of_the_person_only() {
    let (new, old) = (samples::jane(), samples::expired());

    assert_eq!(new.person.edipi, old.person.edipi);
    assert_ne!(new.card_id, old.card_id);
    assert_ne!(in_chuid(new, 0x30), in_chuid(old, 0x30));
}

#[test]
fn the_bare_rsa_operation_is_undone_by_the_public_key() {
    use rsa::BigUint;
    use rsa::pkcs8::DecodePublicKey;
    use rsa::traits::PublicKeyParts;

    let jane = samples::jane();
    let mut bench = super::bench::jane(cac_tests::virtual_card::CardModel::T1);
    let data = rsa_challenge(&rsa_block());
    bench.verify(RIGHT_PIN);
    bench.send(&general_authenticate(
        0x10,
        0x07,
        Slot::Authentication,
        &data[..255],
    ));

    let (mut answer, _) = bench.send(&general_authenticate(
        0,
        0x07,
        Slot::Authentication,
        &data[255..],
    ));
    answer.extend(bench.send(&[0, 0xC0, 0, 0, 8]).0);

    let certificate = parse(jane, Slot::Authentication);
    let info =
        der::Encode::to_der(certificate.tbs_certificate().subject_public_key_info()).unwrap();
    let key = rsa::RsaPublicKey::from_public_key_der(&info).unwrap();
    let undone = BigUint::from_bytes_be(&answer[8..]).modpow(key.e(), key.n());
    assert_eq!(undone, BigUint::from_bytes_be(&rsa_block()));
}
