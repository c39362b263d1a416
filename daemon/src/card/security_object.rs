//! The Security Object: hashes of the other objects, under the issuer's
//! signature (SP 800-73pt1-5 §3.1.7; ICAO Doc 9303 part 10, §4.6.2).
//!
//! Whether that signature is good is decided elsewhere; here its content is
//! read, once verified, and held against the objects.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{self, Algorithm, digest};
use cac_common::finding::Finding;
use der::asn1::{ObjectIdentifier, OctetStringRef};
use der::{AnyRef, Decode as _, Reader as _, SliceReader};

use super::tlv;

/// How it is named in findings.
const NAME: &str = "Security Object";

/// The hash algorithms we can hold an object against (SP 800-78-5 §3.2.1; the
/// first is of old cards).
const ALGORITHMS: [(ObjectIdentifier, &Algorithm); 4] = [
    (
        ObjectIdentifier::new_unwrap("1.3.14.3.2.26"),
        &digest::SHA1_FOR_LEGACY_USE_ONLY,
    ),
    (
        ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1"),
        &digest::SHA256,
    ),
    (
        ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2"),
        &digest::SHA384,
    ),
    (
        ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3"),
        &digest::SHA512,
    ),
];

/// Objects by their container identifiers (SP 800-73pt1-5 appendix A).
const CONTAINERS: [(u16, &str); 14] = [
    (0x0100, "9C Signature certificate"),
    (0x0101, "9A Authentication certificate"),
    (0x0102, "9D Encryption certificate"),
    (0x0500, "9E Card certificate"),
    (0x1015, "Iris images"),
    (0x1016, "Biometric templates"),
    (0x1017, "Secure messaging signer"),
    (0x3000, "CHUID"),
    (0x3001, "Printed Information"),
    (0x6010, "Fingerprints"),
    (0x6030, "Facial image"),
    (0x6050, "Discovery Object"),
    (0x6060, "Key History"),
    (0xDB00, "CCC"),
];

/// What is in the object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SecurityObject {
    /// Container identifiers by the numbers that the hashes have.
    pub mapping: Mapping,
    /// CMS SignedData around a [`HashList`].
    pub signed_data: Vec<u8>,
    /// What could not be read, in words.
    pub findings: Vec<Finding>,
}

/// Container identifiers by data group number. A number is one byte, so there
/// are 256 at most.
pub type Mapping = BTreeMap<u8, u16>;

/// What the signature covers: a hash for each data group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashList {
    algorithm: &'static Algorithm,
    hashes: BTreeMap<u8, Vec<u8>>,
}

/// Why the content of the signature is no list of hashes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAHashList {
    #[error("it is no list of hashes")]
    Malformed,
    #[error("its hashes are made by {0}, which is not known here")]
    Algorithm(ObjectIdentifier),
    #[error("it lists data group {0} twice")]
    Twice(u8),
}

impl SecurityObject {
    /// Reads the content of the object, without its outer tag.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut object = Self::default();
        for element in tlv::elements(bytes) {
            let Ok(element) = element else {
                object.findings.push(warning("it is cut short"));
                break;
            };
            match element.tag {
                0xBA => object.take_mapping(element.value),
                0xBB => object.signed_data = element.value.to_vec(),
                _ => {}
            }
        }
        if object.signed_data.is_empty() {
            object.findings.push(warning("it holds no signature"));
        }
        object
    }

    fn take_mapping(&mut self, bytes: &[u8]) {
        let (entries, rest) = bytes.as_chunks::<3>();
        let mut is_faulty = !rest.is_empty();
        for [number, high, low] in entries {
            let container = u16::from_be_bytes([*high, *low]);
            let before = self.mapping.insert(*number, container);
            is_faulty |= before.is_some_and(|before| before != container);
        }
        if is_faulty {
            self.findings
                .push(warning("it does not say clearly which objects it covers"));
        }
    }
}

impl HashList {
    /// Reads an LDSSecurityObject, the content of the signature.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotAHashList> {
        let (oid, hashes) = read(bytes).map_err(|_| NotAHashList::Malformed)?;
        let (_, algorithm) = ALGORITHMS
            .into_iter()
            .find(|(known, _)| *known == oid)
            .ok_or(NotAHashList::Algorithm(oid))?;
        let mut list = BTreeMap::new();
        for (number, hash) in hashes {
            if list.insert(number, hash).is_some() {
                return Err(NotAHashList::Twice(number));
            }
        }
        Ok(Self {
            algorithm,
            hashes: list,
        })
    }
}

type Hashes = Vec<(u8, Vec<u8>)>;

fn read(bytes: &[u8]) -> der::Result<(ObjectIdentifier, Hashes)> {
    let mut reader = SliceReader::new(bytes)?;
    let read = reader.sequence(|body| {
        let _version = body.decode::<u8>()?;
        let oid = body.sequence(|algorithm| {
            let oid = algorithm.decode::<ObjectIdentifier>()?;
            let _parameters = algorithm.decode::<Option<AnyRef<'_>>>()?;
            Ok::<_, der::Error>(oid)
        })?;
        let hashes = body.sequence(|groups| {
            let mut hashes = Vec::new();
            while !groups.is_finished() {
                hashes.push(groups.sequence(|group| {
                    let number = group.decode::<u8>()?;
                    let hash = <&OctetStringRef>::decode(group)?;
                    Ok::<_, der::Error>((number, hash.as_bytes().to_vec()))
                })?);
            }
            Ok::<_, der::Error>(hashes)
        })?;
        let _versions = body.decode::<Option<AnyRef<'_>>>()?;
        Ok::<_, der::Error>((oid, hashes))
    })?;
    reader.finish()?;
    Ok(read)
}

/// The containers, of `objects`, that differ from what the issuer signed. An
/// object is its container identifier and its content, without the outer tag.
/// One that the issuer did not sign says nothing, and neither does one that was
/// not read.
pub fn differing(mapping: &Mapping, list: &HashList, objects: &[(u16, &[u8])]) -> Vec<u16> {
    let mut differing = Vec::new();
    for (number, container) in mapping {
        let Some(signed) = list.hashes.get(number) else {
            continue;
        };
        let read = objects.iter().find(|(read, _)| read == container);
        if let Some((_, content)) = read
            && digest(list.algorithm, content).as_ref() != signed
        {
            differing.push(*container);
        }
    }
    differing
}

/// A finding for each of `containers`, as [`differing`] gives them.
pub fn findings(containers: &[u16]) -> Vec<Finding> {
    containers
        .iter()
        .map(|container| {
            Finding::fault(
                &container_name(*container),
                "it is not what the issuer of the card signed",
                "Somebody changed the card after it was issued, or it is damaged. Do not rely on it; have it replaced at an ID card office.",
            )
        })
        .collect()
}

fn container_name(container: u16) -> String {
    CONTAINERS
        .iter()
        .find(|(known, _)| *known == container)
        .map_or_else(
            || format!("object {container:04X}"),
            |(_, name)| (*name).to_owned(),
        )
}

fn warning(fault: &str) -> Finding {
    Finding::warning(
        NAME,
        fault,
        "It cannot be told whether the card is as it was issued. If it is refused somewhere, have it replaced at an ID card office.",
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CHUID: u16 = 0x3000;
    const CCC: u16 = 0xDB00;
    const SHA256: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00";

    #[test]
    fn both_parts_of_the_object_are_read() {
        let object =
            SecurityObject::parse(b"\xBA\x06\x01\xDB\x00\x02\x30\x00\xBB\x02\x30\x00\xFE\x00");

        assert_eq!(object.mapping, Mapping::from([(1, CCC), (2, CHUID)]));
        assert_eq!(object.signed_data, b"\x30\x00");
        assert!(object.findings.is_empty());
    }

    #[test]
    fn what_is_malformed_is_told() {
        for content in [
            &b"\xBA\x04\x01\xDB\x00\x02\xBB\x01a"[..],
            b"\xBA\x06\x01\xDB\x00\x01\x30\x00\xBB\x01a",
            b"\xBA\x00",
            b"\xBB\x01a\xFE",
        ] {
            let object = SecurityObject::parse(content);

            assert_eq!(object.findings.len(), 1, "{content:02X?}");
        }
    }

    #[test]
    fn an_object_that_was_changed_is_found_and_no_other() {
        let mapping = Mapping::from([(1, CCC), (2, CHUID), (3, 0x6050)]);
        let list = HashList::parse(&list(SHA256, &[(1, sha256(b"ccc")), (2, sha256(b"chuid"))]));
        let list = list.unwrap();
        let whole: [(u16, &[u8]); 3] = [(CHUID, b"chuid"), (CCC, b"ccc"), (0x6050, b"unsigned")];
        let changed: [(u16, &[u8]); 2] = [(CHUID, b"chuie"), (CCC, b"ccc")];

        assert!(differing(&mapping, &list, &whole).is_empty());
        assert!(differing(&mapping, &list, &[]).is_empty(), "none was read");
        assert_eq!(differing(&mapping, &list, &changed), [CHUID]);
        assert_eq!(findings(&[CHUID, 0x4711])[0].object, "CHUID");
        assert_eq!(findings(&[CHUID, 0x4711])[1].object, "object 4711");
    }

    #[test]
    fn a_list_of_another_make_is_refused() {
        let md5 = b"\x06\x08\x2A\x86\x48\x86\xF7\x0D\x02\x05";
        let one = sha256(b"a");

        assert!(matches!(
            HashList::parse(&list(md5, &[(1, one.clone())])),
            Err(NotAHashList::Algorithm(_))
        ));
        assert_eq!(
            HashList::parse(&list(SHA256, &[(1, one.clone()), (1, one)])),
            Err(NotAHashList::Twice(1))
        );
        assert_eq!(HashList::parse(b"\x30\x00"), Err(NotAHashList::Malformed));
    }

    fn sha256(bytes: &[u8]) -> Vec<u8> {
        digest(&digest::SHA256, bytes).as_ref().to_vec()
    }

    fn list(algorithm: &[u8], hashes: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let groups: Vec<u8> = hashes
            .iter()
            .flat_map(|(number, hash)| {
                let group = [vec![0x02, 0x01, *number], tlv::write(0x04, hash)].concat();
                tlv::write(0x30, &group)
            })
            .collect();
        let body = [
            vec![0x02, 0x01, 0x00],
            tlv::write(0x30, algorithm),
            tlv::write(0x30, &groups),
        ];
        tlv::write(0x30, &body.concat())
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let object = SecurityObject::parse(&bytes);
            let list = HashList::parse(&object.signed_data).or_else(|_| HashList::parse(&bytes));
            if let Ok(list) = list {
                let _ = differing(&object.mapping, &list, &[(CHUID, &bytes)]);
            }
        }
    }
}
