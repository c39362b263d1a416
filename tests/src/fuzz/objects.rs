//! The data objects of cards, one by one.

use cac_common::fascn::FascN;
use cac_common::snapshot::PinReference;
use cac_common::x509::Certificate;
use cacd::card::certificate::{self, card_numbers, organisational_units, rsa_key_bits};
use cacd::card::chuid::Chuid;
use cacd::card::demographics::{Person, Personnel};
use cacd::card::discovery::Discovery;
use cacd::card::key_history::KeyHistory;
use cacd::card::printed::Printed;
use cacd::card::security_object::{self, HashList, SecurityObject};
use cacd::card::{atr as answer_to_reset, ccc as capabilities};
use cacd::card::{simple_tlv as simple, tlv as ber};

use super::{Input, NOW};

/// No certificate on a card is larger, unpacked.
const LARGEST_CERTIFICATE: usize = 10 * 1024;

pub(super) fn tlv(data: &[u8]) -> bool {
    let mut read = 0;
    let mut is_whole = true;
    for element in ber::elements(data) {
        let Ok(element) = element else {
            is_whole = false;
            break;
        };
        read += element.value.len();
        if let Ok(tag) = u8::try_from(element.tag)
            && u16::try_from(element.value.len()).is_ok()
        {
            let written = ber::write(tag, element.value);
            let (again, rest) = ber::first(&written).expect("it was just written");
            assert_eq!(again, element);
            assert!(rest.is_empty());
        }
    }
    assert!(read <= data.len());
    if let Ok((first, _)) = ber::first(data) {
        assert_eq!(ber::find(data, first.tag), Some(first.value));
    }
    if let Ok((_, length, front)) = ber::open(data) {
        assert_eq!(front.len() >= length, ber::first(data).is_ok());
    }
    is_whole
}

pub(super) fn simple_tlv(data: &[u8]) -> bool {
    let mut input = Input(data);
    let (tags, values) = (input.part(), input.part());
    for buffer in [tags, values] {
        if let Ok(content) = simple::content(buffer) {
            assert!(content.len() + 2 <= buffer.len());
        }
    }
    let mut is_whole = true;
    let mut at = 0;
    let mut seen = Vec::new();
    for element in simple::elements(tags, values) {
        let Ok(element) = element else {
            is_whole = false;
            break;
        };
        if !seen.contains(&element.tag) {
            let place = simple::place(tags, element.tag);
            assert_eq!(place, Some((at, element.value.len())));
            seen.push(element.tag);
        }
        at += element.value.len();
    }
    let person = Person::parse(tags, values);
    let personnel = Personnel::parse(tags, values);
    assert_eq!(person.is_ok(), is_whole);
    if let Ok(personnel) = personnel {
        let _ = (personnel.category_title(), personnel.branch_title());
    }
    is_whole
}

pub(super) fn chuid(data: &[u8]) -> bool {
    let whole = Chuid::parse(data);
    let head = Chuid::parse_head(data);
    let same = |chuid: &Chuid| {
        (
            chuid.fascn.clone(),
            chuid.uuid,
            chuid.expires.clone(),
            chuid.cardholder,
        )
    };
    assert_eq!(same(&whole), same(&head.chuid));
    assert_eq!(whole.card_id(), head.chuid.card_id());
    assert!(whole.signed_content.len() + whole.issuer_signature.len() <= data.len());
    whole.findings.is_empty() && head.is_enough
}

pub(super) fn fascn(data: &[u8]) -> bool {
    let Ok(decoded) = FascN::decode(data) else {
        return false;
    };
    let encoded = decoded.fascn.encode().expect("what was decoded is encoded");
    assert_eq!(encoded[..] == *data, decoded.check_is_right);
    let again = FascN::decode(&encoded).expect("what was encoded is decoded");
    assert_eq!(again.fascn, decoded.fascn);
    let _ = (decoded.fascn.persona(), decoded.fascn.affiliation());
    decoded.check_is_right
}

/// How a certificate lies there: in the content of an object, in two buffers,
/// by itself and perhaps packed, or as it is.
pub(super) fn certificate(data: &[u8]) -> bool {
    let mut input = Input(data);
    let der = match input.byte() % 4 {
        0 => certificate::unpack(input.rest()),
        1 => {
            let tags = input.part();
            certificate::unpack_buffers(tags, input.rest())
        }
        2 => certificate::inflated(input.rest()),
        _ => Ok(input.rest().to_vec()),
    };
    let Ok(der) = der else {
        return false;
    };
    assert!(der.len() <= LARGEST_CERTIFICATE.max(data.len()));
    let _ = (organisational_units(&der), card_numbers(&der));
    let _ = rsa_key_bits(&der);
    let of_authority = Certificate::parse(&der);
    let Ok(parsed) = certificate::parse(cac_common::certificate::Slot::Authentication, der) else {
        return false;
    };
    let purposes = &parsed.purposes;
    let _ = (purposes.vouching(), purposes.is_for_its_holder());
    serde_json::to_vec(&parsed.summary).expect("what is shown can be sent");
    of_authority.is_ok()
}

pub(super) fn ccc(data: &[u8]) -> bool {
    let mut input = Input(data);
    let is_buffers = input.byte() & 1 == 1;
    let ccc = if is_buffers {
        let tags = input.part();
        capabilities::Ccc::parse_buffers(tags, input.rest())
    } else {
        capabilities::Ccc::parse(input.rest())
    };
    let applets = ccc.pki_applets().count();
    assert!(applets <= ccc.urls.len());
    ccc.findings.is_empty() && ccc.card.is_some()
}

pub(super) fn discovery(data: &[u8]) -> bool {
    let discovery = Discovery::parse(data);
    if discovery.pin == PinReference::Global {
        assert!(
            discovery.findings.is_empty(),
            "a PIN is used that may be another"
        );
    }
    discovery.findings.is_empty()
}

pub(super) fn key_history(data: &[u8]) -> bool {
    let history = KeyHistory::parse(data);
    assert!(history.on_card_keys().count() == usize::from(history.on_card));
    assert!(history.on_card + history.off_card <= 20);
    history.findings.is_empty()
}

pub(super) fn security_object(data: &[u8]) -> bool {
    let mut input = Input(data);
    let object = SecurityObject::parse(input.part());
    let Ok(list) = HashList::parse(input.part()) else {
        return false;
    };
    let container = input.number();
    let differing =
        security_object::differing(&object.mapping, &list, &[(container, input.rest())]);
    assert!(differing.iter().all(|differing| *differing == container));
    let findings = security_object::findings(&differing);
    assert_eq!(findings.len(), differing.len());
    object.findings.is_empty()
}

pub(super) fn printed(data: &[u8]) -> bool {
    let printed = Printed::parse(data);
    assert!(printed.organisation.len() <= 2);
    if let Some(date) = printed.expires {
        assert!(date.begins() <= date.ends());
        assert!(date.ends().after(std::time::Duration::MAX) > NOW);
    }
    printed.findings.is_empty()
}

pub(super) fn atr(data: &[u8]) -> bool {
    let is_contactless = answer_to_reset::is_contactless(data);
    answer_to_reset::says_extended_length(data) || is_contactless
}
