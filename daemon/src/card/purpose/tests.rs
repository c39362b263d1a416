use der::flagset::FlagSet;
use x509_cert::ext::pkix::KeyUsages;

use super::super::fixtures::{Draft, applet};
use super::*;

const SIGN: KeyUsages = KeyUsages::DigitalSignature;
const VOUCH: KeyUsages = KeyUsages::NonRepudiation;
const ENCIPHER: KeyUsages = KeyUsages::KeyEncipherment;
const AGREE: KeyUsages = KeyUsages::KeyAgreement;

/// What it is called, what it says, and what it is for.
struct Case {
    name: &'static str,
    usage: &'static [KeyUsages],
    extended: &'static [Oid],
    policies: &'static [&'static str],
    mail: bool,
    role: Role,
}

const CASES: [Case; 25] = [
    case(
        "PIV Authentication of a CAC",
        &[SIGN],
        &[CLIENT_AUTH, SMARTCARD_LOGON, PKINIT],
        &["2.16.840.1.101.2.1.11.42", "2.16.840.1.101.3.2.1.3.13"],
        Role::Authentication,
    ),
    case(
        "the same with any usage",
        &[SIGN],
        &[CLIENT_AUTH, SMARTCARD_LOGON, ANY_USAGE],
        &["2.16.840.1.101.3.2.1.3.13"],
        Role::Authentication,
    ),
    case(
        "PIV Authentication without extended usage",
        &[SIGN],
        &[],
        &["2.16.840.1.101.3.2.1.3.13"],
        Role::Authentication,
    ),
    mail(
        "signature of a CAC",
        &[SIGN, VOUCH],
        &[EMAIL_PROTECTION],
        &["2.16.840.1.101.2.1.11.42"],
        Role::Signature,
    ),
    mail(
        "an older one, for logon as well",
        &[SIGN, VOUCH],
        &[EMAIL_PROTECTION, SMARTCARD_LOGON, CLIENT_AUTH],
        &["2.16.840.1.101.2.1.11.19"],
        Role::Signature,
    ),
    mail(
        "signature of an agency, without extended usage",
        &[SIGN, VOUCH],
        &[],
        &["2.16.840.1.101.3.2.1.3.7"],
        Role::Signature,
    ),
    mail(
        "encryption, RSA",
        &[ENCIPHER],
        &[EMAIL_PROTECTION],
        &["2.16.840.1.101.2.1.11.42"],
        Role::Encryption,
    ),
    mail(
        "encryption, elliptic curve",
        &[AGREE],
        &[EMAIL_PROTECTION],
        &["2.16.840.1.101.2.1.11.43"],
        Role::Encryption,
    ),
    mail(
        "encryption that may sign mail",
        &[SIGN, ENCIPHER],
        &[EMAIL_PROTECTION],
        &[],
        Role::Encryption,
    ),
    case(
        "card authentication",
        &[SIGN],
        &[CARD_AUTH],
        &["2.16.840.1.101.3.2.1.3.17"],
        Role::Card,
    ),
    case(
        "card authentication by its policy alone",
        &[SIGN],
        &[],
        &["2.16.840.1.101.3.2.1.3.17"],
        Role::Card,
    ),
    case(
        "ID certificate of an older CAC",
        &[SIGN, VOUCH],
        &[],
        &["2.16.840.1.101.2.1.11.9"],
        Role::Identity,
    ),
    case(
        "the same without nonRepudiation",
        &[SIGN],
        &[],
        &["2.16.840.1.101.2.1.11.19"],
        Role::Identity,
    ),
    case(
        "the same with clientAuth",
        &[SIGN],
        &[CLIENT_AUTH],
        &["2.16.840.1.101.2.1.11.19"],
        Role::Identity,
    ),
    case(
        "the same with both",
        &[SIGN, VOUCH],
        &[CLIENT_AUTH],
        &["2.16.840.1.101.2.1.11.42"],
        Role::Identity,
    ),
    case(
        "alternate token",
        &[SIGN],
        &[CLIENT_AUTH, SMARTCARD_LOGON],
        &["2.16.840.1.101.2.1.11.59"],
        Role::Authentication,
    ),
    case(
        "PIV-I authentication",
        &[SIGN],
        &[CLIENT_AUTH, SMARTCARD_LOGON],
        &["2.16.840.1.101.3.2.1.3.18"],
        Role::Authentication,
    ),
    case(
        "PIV-I card",
        &[SIGN],
        &[CARD_AUTH],
        &["2.16.840.1.101.3.2.1.3.19"],
        Role::Card,
    ),
    mail(
        "PIV-I signature",
        &[SIGN, VOUCH],
        &[EMAIL_PROTECTION],
        &["2.16.840.1.101.3.2.1.3.18"],
        Role::Signature,
    ),
    case(
        "derived",
        &[SIGN],
        &[CLIENT_AUTH],
        &["2.16.840.1.101.3.2.1.3.40"],
        Role::Authentication,
    ),
    case(
        "derived, in hardware",
        &[SIGN],
        &[],
        &["2.16.840.1.101.3.2.1.3.41"],
        Role::Authentication,
    ),
    case(
        "content signing",
        &[SIGN],
        &[CONTENT_SIGNING],
        &["2.16.840.1.101.3.2.1.3.39"],
        Role::ContentSigning,
    ),
    case(
        "a company's smart card logon, which also enciphers",
        &[SIGN, ENCIPHER],
        &[CLIENT_AUTH, SMARTCARD_LOGON],
        &[],
        Role::Authentication,
    ),
    case(
        "a company's client certificate",
        &[SIGN],
        &[CLIENT_AUTH],
        &[],
        Role::Authentication,
    ),
    case(
        "an authority's",
        &[KeyUsages::KeyCertSign],
        &[],
        &[],
        Role::Other,
    ),
];

const fn case(
    name: &'static str,
    usage: &'static [KeyUsages],
    extended: &'static [Oid],
    policies: &'static [&'static str],
    role: Role,
) -> Case {
    Case {
        name,
        usage,
        extended,
        policies,
        mail: false,
        role,
    }
}

/// A mail address stands in it.
const fn mail(
    name: &'static str,
    usage: &'static [KeyUsages],
    extended: &'static [Oid],
    policies: &'static [&'static str],
    role: Role,
) -> Case {
    Case {
        mail: true,
        ..case(name, usage, extended, policies, role)
    }
}

#[test]
fn a_certificate_is_for_what_it_says_itself() {
    for case in CASES {
        let purposes = case.purposes();

        assert_eq!(purposes.role(), case.role, "{}", case.name);
        assert!(!purposes.is_test_policy(), "{}", case.name);
    }
}

#[test]
fn a_certificate_without_extensions_says_nothing() {
    let purposes = Purposes::default();

    assert_eq!(purposes.role(), Role::Other);
    assert!(purposes.may_sign(), "nothing restricts it");
    assert!(!purposes.is_for_its_holder() && !purposes.is_for_the_card_alone());
}

#[test]
fn a_test_policy_is_known_wherever_it_stands() {
    for (policies, is_test) in [
        (&["2.16.840.1.101.3.2.1.48.11"][..], true),
        (
            &["2.16.840.1.101.3.2.1.3.13", "2.16.840.1.101.3.2.1.48.1.2"],
            true,
        ),
        (&["2.16.840.1.101.3.2.1.3.13"], false),
        (&["2.16.840.1.101.3.2.1.480"], false),
        (&["2.16.840.1.101.3.2.1"], false),
        (&[], false),
    ] {
        let purposes = Purposes {
            policies: policies.iter().map(|text| oid(text)).collect(),
            ..Purposes::default()
        };

        assert_eq!(purposes.is_test_policy(), is_test, "{policies:?}");
    }
}

#[test]
fn policies_and_usages_are_put_into_words_where_they_have_some() {
    let mut draft = Draft::authentication();
    draft.policies.push("1.2.3.4");
    let purposes = draft.certificate().purposes;

    assert_eq!(purposes.usage_words(), ["digitalSignature"]);
    assert_eq!(purposes.extended_words(), ["clientAuth", "smartcardLogon"]);
    assert_eq!(
        purposes.policy_words(),
        [
            "id-US-dod-mediumHardware-112",
            "id-fpki-common-authentication",
            "1.2.3.4"
        ]
    );
}

#[test]
fn what_a_real_certificate_says_is_what_it_is_for() {
    for (draft, role) in [
        (Draft::authentication(), Role::Authentication),
        (Draft::signature(), Role::Signature),
        (Draft::encryption(), Role::Encryption),
        (Draft::card(), Role::Card),
        (Draft::identity(applet(0)), Role::Identity),
        (Draft::bare(applet(0)), Role::Other),
    ] {
        assert_eq!(draft.certificate().summary.role, role, "{}", draft.slot);
    }
}

impl Case {
    fn purposes(&self) -> Purposes {
        let usage = self
            .usage
            .iter()
            .fold(FlagSet::default(), |all, usage| all | *usage);
        Purposes {
            usage: Some(KeyUsage(usage)),
            extended: self.extended.to_vec(),
            policies: self.policies.iter().map(|text| oid(text)).collect(),
            names_mail: self.mail,
        }
    }
}
