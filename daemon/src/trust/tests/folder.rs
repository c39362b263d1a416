use std::fs;
use std::path::Path;

use cac_common::bundle;
use cac_common::error_chain::Chain;
use tempfile::TempDir;

use super::pki::{Authority, NOW, parse, tlv, trusted};
use crate::trust::path::{PathFault, Question, Verdict};
use crate::trust::{ANCHORS, Authorities};

const ANY: Question<'_> = Question {
    at: NOW,
    policies: &[],
};

#[test]
fn only_self_signed_certificates_among_the_anchors_are_trusted() {
    let (place, root) = (place(), Authority::root("Root 1"));
    let authority = root.below("CA 1");
    write(
        place.path(),
        "roots.pem",
        pem("CERTIFICATE", &root.der).as_bytes(),
    );
    write(place.path(), "ca.crt", &authority.der);
    let beside = read(place.path());
    let both = [
        pem("CERTIFICATE", &root.der),
        pem("CERTIFICATE", &authority.der),
    ];

    write(
        &place.path().join(ANCHORS),
        "both.pem",
        both.concat().as_bytes(),
    );
    let among = read(place.path());

    assert!(!beside.has_anchors());
    assert_eq!(beside.judge(&authority.card(), ANY), Verdict::NotConfigured);
    let path = trusted(among.judge(&authority.card(), ANY));
    assert_eq!(path.titles(), ["CA 1", "Root 1"]);
}

#[test]
fn every_kind_of_file_is_read_whatever_it_is_called() {
    let root = Authority::root("Root 1");
    let authority = root.below("CA 1");
    let bundle = bundle_of(&[&authority.der, &root.der]);
    let in_pem = |label| pem(label, &bundle).into_bytes();

    for (name, bytes) in [
        ("a.p7b", bundle.clone()),
        ("a.p7c", bundle.clone()),
        ("a.p7b", in_pem("PKCS7")),
        ("a.pem", in_pem("CMS")),
        ("a.cer", in_pem("PKCS7")),
    ] {
        let place = place();
        write(&place.path().join(ANCHORS), name, &bytes);

        let authorities = read(place.path());

        trusted(authorities.judge(&authority.card(), ANY));
    }
    for name in ["a.der", "a.cer", "a.crt", "a.pem"] {
        let place = place();
        write(&place.path().join(ANCHORS), name, &root.der);

        trusted(read(place.path()).judge(&root.card(), ANY));
    }
}

#[test]
fn a_root_that_lies_beside_the_anchors_is_named_as_not_trusted() {
    let place = place();
    let (root, other) = (Authority::root("Root 1"), Authority::root("Root 2"));
    let authority = root.below("CA 1");
    write(
        place.path(),
        "all.p7b",
        &bundle_of(&[&root.der, &authority.der]),
    );
    write(&place.path().join(ANCHORS), "root.der", &other.der);

    let verdict = read(place.path()).judge(&authority.card(), ANY);

    let root = "Root 1".into();
    assert_eq!(
        verdict,
        Verdict::NotTrusted(PathFault::NotAnAnchor { root })
    );
}

#[test]
fn a_file_that_is_no_help_is_named_with_what_is_wrong() {
    let root = Authority::root("Root 1");
    let authority = root.below("CA 1");
    let good = pem("CERTIFICATE", &root.der);
    let cut = &root.der[..root.der.len() - 1];
    let data = tlv(
        0x30,
        &[
            &super::pki::oid("1.2.840.113549.1.7.1"),
            &tlv(0xA0, &[&[4, 0]]),
        ],
    );

    for (name, bytes, problem) in [
        ("empty.pem", b"".to_vec(), "it holds no certificate"),
        (
            "text.pem",
            b"# none yet\n".to_vec(),
            "certificate 1 cannot be used: it is no X.509",
        ),
        (
            "key.pem",
            pem("PRIVATE KEY", &[4, 0]).into_bytes(),
            "it holds no certificate",
        ),
        (
            "second.pem",
            (good.clone() + &pem("CERTIFICATE", cut)).into_bytes(),
            "certificate 2 cannot be used: it is no X.509",
        ),
        (
            "torn.pem",
            (good + "-----BEGIN CERTIFICATE-----\nAAAA").into_bytes(),
            "part 2 of it is no PEM",
        ),
        ("cut.der", cut.to_vec(), "certificate 1 cannot be used"),
        (
            "data.p7b",
            data,
            "part 1 of it is no bundle of certificates: it is a message of",
        ),
        ("none.p7b", bundle_of(&[]), "it holds no certificate"),
        (
            "many.p7b",
            bundle_of(&vec![&[0x30, 0][..]; 1001]),
            "more than 1000 certificates",
        ),
    ] {
        let place = place();
        write(place.path(), name, &bytes);
        write(place.path(), "z.crt", &authority.der);

        let (authorities, problems) = Authorities::read(place.path());

        let [error] = problems.as_slice() else {
            panic!("{name}: {problems:?}");
        };
        let text = Chain(error).to_string();
        assert!(text.contains(name) && text.contains(problem), "{text}");
        assert_eq!(
            authorities.chain_for(&authority.card()),
            [authority.der.as_slice()]
        );
    }
}

#[test]
fn anchors_that_are_none_are_reported() {
    let place = place();
    let authority = Authority::root("Root 1").below("CA 1");
    write(&place.path().join(ANCHORS), "ca.pem", &authority.der);

    let (authorities, problems) = Authorities::read(place.path());

    assert!(!authorities.has_anchors());
    let [problem] = problems.as_slice() else {
        panic!("{problems:?}");
    };
    assert!(
        problem.to_string().ends_with("so nothing in it is trusted"),
        "{problem}"
    );
    // It is of use all the same.
    assert_eq!(authorities.chain_for(&authority.card()).len(), 1);
}

#[test]
fn a_file_that_is_too_large_is_left_out() {
    let place = place();
    write(place.path(), "large.pem", &vec![b'#'; (4 << 20) + 1]);

    let (authorities, problems) = Authorities::read(place.path());

    assert_eq!(authorities, Authorities::default());
    assert!(
        Chain(&problems[0]).to_string().contains("larger than"),
        "{problems:?}"
    );
}

#[test]
fn what_is_sent_along_ends_below_the_root() {
    let place = place();
    let (root, bridge) = (Authority::root("Root 1"), Authority::root("Bridge"));
    let upper = root.below("Upper");
    let lower = upper.below("Lower");
    let across = bridge.vouch_for(&root);
    let all = [across.as_slice(), &lower.der, &upper.der, &bridge.der];
    write(place.path(), "all.p7b", &bundle_of(&all));
    let without_root = read(place.path()).chain_for(&lower.card());

    write(place.path(), "root.pem", &root.der);
    let with_root = read(place.path()).chain_for(&lower.card());

    assert_eq!(with_root, [lower.der.clone(), upper.der.clone()]);
    // A portal that trusts only the bridge can use it.
    assert_eq!(without_root, [lower.der.clone(), upper.der.clone(), across]);
}

#[test]
fn a_chain_that_goes_in_a_circle_is_sent_once() {
    let place = place();
    let (a, b) = (Authority::root("A"), Authority::root("B"));
    let (a_by_b, b_by_a) = (b.vouch_for(&a), a.vouch_for(&b));
    write(place.path(), "all.p7b", &bundle_of(&[&a_by_b, &b_by_a]));

    let chain = read(place.path()).chain_for(&a.card());

    assert_eq!(chain, [a_by_b, b_by_a]);
}

#[test]
fn no_bundle_makes_it_panic_wherever_it_is_cut_or_changed() {
    let root = Authority::root("Root 1");
    let whole = bundle_of(&[&root.der]);
    assert_eq!(bundle::read(&whole).unwrap(), [parse(&root.der)]);

    for at in 0..whole.len() {
        assert!(bundle::read(&whole[..at]).is_err(), "{at}");
        for flip in [0x01, 0x80, 0xFF] {
            let mut changed = whole.clone();
            changed[at] ^= flip;
            let _ = bundle::read(&changed);
        }
    }
}

fn place() -> TempDir {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join(ANCHORS)).unwrap();
    place
}

fn read(folder: &Path) -> Authorities {
    let (authorities, problems) = Authorities::read(folder);
    assert!(problems.is_empty(), "{problems:?}");
    authorities
}

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    fs::write(folder.join(name), bytes).unwrap();
}

/// A message that nobody signed, of the older sort whose certificates stand
/// in no order.
fn bundle_of(certificates: &[&[u8]]) -> Vec<u8> {
    for certificate in certificates.iter().filter(|one| one.len() > 2) {
        parse(certificate);
    }
    let content = tlv(0x30, &[&super::pki::oid("1.2.840.113549.1.7.1")]);
    let certificates = tlv(0xA0, certificates);
    let message = tlv(
        0x30,
        &[
            &[2, 1, 1],
            &tlv(0x31, &[]),
            &content,
            &certificates,
            &tlv(0x31, &[]),
        ],
    );
    let signed_data = super::pki::oid("1.2.840.113549.1.7.2");
    tlv(0x30, &[&signed_data, &tlv(0xA0, &[&message])])
}

fn pem(label: &str, der: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in der.chunks(48) {
        for three in line.chunks(3) {
            let bits = three
                .iter()
                .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
            let bits = bits << (8 * (3 - three.len()));
            for at in 0..4 {
                let index = (bits >> (18 - 6 * at) & 0x3F) as usize;
                let digit = char::from(ALPHABET[index]);
                text.push(if at > three.len() { '=' } else { digit });
            }
        }
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}
