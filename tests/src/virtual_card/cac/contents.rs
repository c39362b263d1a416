//! What lies on the CAC edge of a card, made from the file it was issued as.

use rsa::RsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey as _;

use super::applet::{
    ACA, ALTERNATE_ACA, Aid, Applet, CCC, Contents, FAMILY, Object, PERSON_INSTANCE, PERSONNEL, pki,
};
use super::buffer::{Buffers, Element, simple_tlv};
use super::{AcaPlace, CacHabits, CacHostility, CertificateForm, Edges, PkiSlot};
use crate::virtual_card::CardModel;
use crate::virtual_card::card_file::{CardFile, Slot};
use crate::virtual_card::key::KeyError;
use crate::virtual_card::objects;
use crate::virtual_card::piv::gzip;
use crate::virtual_card::tlv::{take, tlv};

/// The certificate of a token is not in one of the three usual applets.
const TOKEN_APPLET: u8 = 3;

/// As many PKI applets as the hostile service table names.
const CROWD: u8 = 255;

/// A certificate on the CAC edge, and where it is.
pub struct PkiCertificate<'a> {
    /// Last byte of the applet's identifier, A0000000790100 and on.
    pub applet: u8,
    /// DER.
    pub certificate: &'a [u8],
    key: &'a [u8],
}

/// All that a client can find on the CAC edge. A key that is not RSA cannot be there.
pub fn certificates(file: &CardFile, edges: Edges) -> Vec<PkiCertificate<'_>> {
    let of_piv = |applet: u8, slot: Slot| {
        file.algorithm.is_rsa().then(|| PkiCertificate {
            applet,
            certificate: file.certificate(slot),
            key: &file.keys[&slot],
        })
    };
    match edges {
        Edges::Piv => Vec::new(),
        Edges::Alt => of_piv(TOKEN_APPLET, Slot::Authentication)
            .into_iter()
            .collect(),
        Edges::Cac | Edges::Dual | Edges::Bare | Edges::Cac1 => PkiSlot::ALL
            .into_iter()
            .filter_map(|slot| match (file.cac.get(&slot), slot) {
                (Some(own), _) => Some(PkiCertificate {
                    applet: slot.index(),
                    certificate: &own.certificate,
                    key: &own.key,
                }),
                (None, PkiSlot::Identity) => None,
                (None, PkiSlot::Signature) => of_piv(slot.index(), Slot::Signature),
                (None, PkiSlot::Encryption) => of_piv(slot.index(), Slot::Encryption),
            })
            .collect(),
    }
}

/// Everything that can be selected, in the order in which the card speaks of it.
pub(super) fn applets(file: &CardFile, model: CardModel) -> Result<Vec<Applet>, KeyError> {
    let (edges, habits) = (model.edges, model.cac);
    let mut applets = Vec::new();
    for found in certificates(file, edges) {
        applets.push(pki_applet(&found, habits)?);
    }
    if edges == Edges::Cac {
        let person = [
            (PERSON_INSTANCE, person_instance(file)),
            (PERSONNEL, personnel(file)),
        ];
        applets.extend(person.map(|(name, elements)| Applet {
            names: vec![name],
            contents: Contents::Person(object([name[5], name[6]], &elements, habits)),
        }));
    }
    match edges {
        Edges::Cac | Edges::Dual => {
            let elements = capabilities(file, &applets, habits);
            let services = services(&applets, &[ACA], habits);
            applets.push(access_control(vec![ACA], services));
            applets.push(Applet {
                names: vec![CCC],
                contents: Contents::Capabilities(object([0xDB, 0x00], &elements, habits)),
            });
        }
        Edges::Alt => {
            let names = match habits.aca {
                AcaPlace::Both => vec![ACA, ALTERNATE_ACA],
                AcaPlace::Usual => vec![ACA],
                AcaPlace::Alternate => vec![ALTERNATE_ACA],
            };
            let services = services(&applets, &names[..1], habits);
            applets.push(access_control(names, services));
        }
        Edges::Piv | Edges::Bare | Edges::Cac1 => {}
    }
    Ok(applets)
}

fn pki_applet(found: &PkiCertificate<'_>, habits: CacHabits) -> Result<Applet, KeyError> {
    let key = RsaPrivateKey::from_pkcs8_der(found.key).map_err(|_| KeyError::Unreadable)?;
    let name = pki(found.applet);
    let names = match habits.hostility {
        Some(CacHostility::CrowdedServiceTable) => (0..CROWD).map(pki).collect(),
        _ => vec![name],
    };
    let id = [name[5], name[6]];
    let (info, bytes) = match habits.certificates {
        CertificateForm::Gzip => (0x01, gzip(found.certificate)),
        CertificateForm::Plain | CertificateForm::NotSimpleTlv => {
            (0x00, found.certificate.to_vec())
        }
    };
    let certificate = [&[info][..], &bytes].concat();
    let object = if habits.certificates == CertificateForm::NotSimpleTlv {
        let whole = [
            tlv(&[0x70], &bytes),
            tlv(&[0x71], &[info]),
            vec![0xFE, 0x00],
        ];
        Object {
            id,
            buffers: Buffers::raw(&[], &whole.concat()),
            is_simple_tlv: false,
        }
    } else {
        let elements = [
            (0x71, vec![info]),
            (0x70, bytes),
            (0x72, container_identifier(found.applet)),
            (0xFE, Vec::new()),
        ];
        object(id, &elements, habits)
    };
    Ok(Applet {
        names,
        contents: Contents::Pki {
            object,
            certificate,
            key: Box::new(key),
        },
    })
}

fn access_control(names: Vec<Aid>, services: Vec<u8>) -> Applet {
    Applet {
        names,
        contents: Contents::AccessControl { services },
    }
}

/// An object in SimpleTLV, or what a hostile card makes of it.
fn object(id: [u8; 2], elements: &[Element], habits: CacHabits) -> Object {
    let longest = (0..elements.len()).max_by_key(|at| elements[*at].1.len());
    let values = || elements.iter().flat_map(|(_, value)| value.clone());
    let mut buffers = Buffers::of(elements);
    match habits.hostility {
        Some(CacHostility::BufferLengthLies) => buffers.claim_more(256),
        Some(CacHostility::EndlessTags) => {
            let tags = [0x72, 0x00].repeat(0x7FFF);
            buffers = Buffers::raw(&tags, &values().collect::<Vec<_>>());
        }
        Some(CacHostility::ElementOverTheEnd) => {
            let mut tags = Vec::new();
            for (at, (tag, value)) in elements.iter().enumerate() {
                let claimed = if Some(at) == longest {
                    0xFFFF
                } else {
                    value.len()
                };
                tags.push(*tag);
                tags.extend(super::buffer::simple_length(claimed));
            }
            buffers = Buffers::raw(&tags, &values().collect::<Vec<_>>());
        }
        Some(CacHostility::Claims64Kilobytes) => {
            let tag = longest.map_or(0x70, |at| elements[at].0);
            buffers = Buffers::of(&[(tag, vec![0; 0xFFFF])]);
        }
        // These three are a matter of the answer, not of what is stored.
        Some(
            CacHostility::EmptyAnswers
            | CacHostility::EndlessCertificate
            | CacHostility::CrowdedServiceTable,
        )
        | None => {}
    }
    Object {
        id,
        buffers,
        is_simple_tlv: true,
    }
}

/// The service table of GET ACR: family, number of applets, and each with a number of its own.
fn services(applets: &[Applet], own: &[Aid], habits: CacHabits) -> Vec<u8> {
    let names: Vec<Aid> = match habits.hostility {
        Some(CacHostility::CrowdedServiceTable) => (0..CROWD).map(pki).collect(),
        _ => own
            .iter()
            .copied()
            .chain(applets.iter().map(Applet::name))
            .collect(),
    };
    let mut out = simple_tlv(0x01, &FAMILY);
    out.extend(simple_tlv(
        0x94,
        &[u8::try_from(names.len()).unwrap_or(u8::MAX)],
    ));
    for (number, name) in (0..=u8::MAX).zip(&names) {
        let entry = [&[number][..], &simple_tlv(0x92, name)].concat();
        out.extend(simple_tlv(0x93, &entry));
    }
    out
}

/// Application types of a CardURL.
const GENERIC: u8 = 0x01;
const PKI: u8 = 0x04;

/// Containers that the CCC of a CAC names although nothing is in them. Here
/// they cannot even be selected.
const PLACEHOLDERS: [Aid; 3] = [
    [0xA0, 0x00, 0x00, 0x00, 0x79, 0x02, 0xFB],
    [0xA0, 0x00, 0x00, 0x00, 0x79, 0x02, 0xFE],
    [0xA0, 0x00, 0x00, 0x00, 0x79, 0x02, 0xFD],
];

/// The elements of the CCC (GSC-IS 2.1, section 6.2): what is generic comes before PKI.
fn capabilities(file: &CardFile, applets: &[Applet], habits: CacHabits) -> Vec<Element> {
    let mut elements = vec![
        (0xF0, card_identifier(file).to_vec()),
        (0xF1, vec![0x21]),
        (0xF2, vec![0x21]),
    ];
    let named = |kind| {
        applets
            .iter()
            .filter(move |applet| match applet.contents {
                Contents::Pki { .. } => kind == PKI,
                Contents::Person(_) => kind == GENERIC,
                Contents::Capabilities(_) | Contents::AccessControl { .. } => false,
            })
            .map(Applet::name)
    };
    let generic = PLACEHOLDERS.into_iter().chain(named(GENERIC));
    elements.extend(generic.map(|name| (0xF3, card_url(name, GENERIC))));
    elements.extend(named(PKI).map(|name| (0xF3, card_url(name, PKI))));
    let access_rules = [&[0x07][..], &ACA, &[0; 9]].concat();
    elements.extend([(0xF4, vec![0x00]), (0xF5, vec![0x02]), (0xF6, access_rules)]);
    if habits.ccc_is_a_circle {
        elements.push((0xFD, card_url(CCC, GENERIC)));
    }
    let empty = [0xF7, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE];
    let given = |tag: &u8| elements.iter().any(|(other, _)| other == tag);
    let empty: Vec<Element> = empty
        .into_iter()
        .filter(|tag| !given(tag))
        .map(|tag| (tag, Vec::new()))
        .collect();
    elements.extend(empty);
    elements
}

/// Provider, manufacturer, kind of card (02: Java), and a number of its own.
fn card_identifier(file: &CardFile) -> [u8; 21] {
    let mut identifier = [0; 21];
    identifier[..5].copy_from_slice(&ACA[..5]);
    identifier[5..7].copy_from_slice(&[0x50, 0x02]);
    identifier[7..].copy_from_slice(&file.card_id[..14]);
    identifier
}

/// Sixteen bytes, as on cards with a virtual machine: provider, application
/// type, object, application, and the beginning of an access profile.
fn card_url(name: Aid, kind: u8) -> Vec<u8> {
    let application = &name[5..];
    [&name[..5], &[kind], application, application, &[0; 6]].concat()
}

/// MSCUID: a name that Microsoft's software gave the container.
fn container_identifier(applet: u8) -> Vec<u8> {
    format!("{{00000000-0000-4000-8000-0000000001{applet:02x}}}").into_bytes()
}

fn person_instance(file: &CardFile) -> Vec<Element> {
    let person = &file.person;
    let middle = person.middle.clone().unwrap_or_default();
    vec![
        (0x01, person.first.clone().into_bytes()),
        (0x02, middle.into_bytes()),
        (0x03, person.last.clone().into_bytes()),
        (0x04, Vec::new()),
        (0x05, b"000000000".to_vec()),
        (0x06, b"19900101".to_vec()),
        (0x08, b"S".to_vec()),
        (0x17, format!("{:010}", person.edipi).into_bytes()),
        (0x62, b"20200101".to_vec()),
        (0x63, last_day(file)),
        (0x67, b"1".to_vec()),
    ]
}

/// When the card ends, as its CHUID has it: YYYYMMDD.
fn last_day(file: &CardFile) -> Vec<u8> {
    let chuid = file.object(objects::CHUID).and_then(take);
    let mut rest = chuid.map_or(&[][..], |(_, elements, _)| elements);
    while let Some((tag, value, after)) = take(rest) {
        if tag == 0x35 {
            return value.to_vec();
        }
        rest = after;
    }
    Vec::new()
}

fn personnel(file: &CardFile) -> Vec<Element> {
    let (branch, category) = match (file.person.oi, file.person.poa) {
        (2100, 4) => ("A", "A"),
        (1700, 4) => ("N", "A"),
        (_, 4) => ("F", "A"),
        (_, 5) => ("X", "E"),
        (_, _) => ("X", "C"),
    };
    vec![
        (0x19, Vec::new()),
        (0x20, Vec::new()),
        (0x24, branch.into()),
        (0x25, b"04".to_vec()),
        (0x26, b"SRA ".to_vec()),
        (0x34, category.into()),
        (0x36, b"ME".to_vec()),
        (0xD3, b"00".to_vec()),
    ]
}
