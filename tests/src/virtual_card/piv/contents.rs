//! What lies on a card of a model: what it was issued with, changed by its habits.

use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use crate::virtual_card::CardModel;
use crate::virtual_card::card_file::{CardFile, Slot};
use crate::virtual_card::habits::{ChuidHabit, DiscoveryHabit, KeyHistoryHabit, Packing};
use crate::virtual_card::objects::{self, Tag};

pub(super) fn of(file: &CardFile, model: CardModel) -> BTreeMap<Tag, Vec<u8>> {
    let mut all = file.objects.clone();
    match model.chuid {
        ChuidHabit::Given => {}
        ChuidHabit::Missing => {
            all.remove(objects::CHUID);
        }
        ChuidHabit::Broken => {
            if let Some(chuid) = all.get_mut(objects::CHUID) {
                *chuid = objects::content(chuid).to_vec();
            }
        }
    }
    if model.is_dual {
        let capability = objects::card_capability_of_a_dual_card(&file.card_id);
        all.insert(objects::CARD_CAPABILITY.to_vec(), capability);
    }
    match model.discovery {
        DiscoveryHabit::ApplicationPin => {}
        DiscoveryHabit::GlobalPin => {
            let discovery = objects::discovery(objects::GLOBAL_PIN_FIRST);
            all.insert(objects::DISCOVERY.to_vec(), discovery);
        }
        DiscoveryHabit::Absent => {
            all.remove(objects::DISCOVERY);
        }
    }
    match model.key_history {
        KeyHistoryHabit::OnCard => {}
        KeyHistoryHabit::OffCard(elsewhere) => {
            let here = u8::try_from(file.retired.len()).unwrap_or(u8::MAX);
            let history = objects::key_history(here, elsewhere);
            all.insert(objects::KEY_HISTORY.to_vec(), history);
        }
        KeyHistoryHabit::Absent => {
            all.remove(objects::KEY_HISTORY);
        }
    }
    if model.packing != Packing::Plain {
        let slots = file.certificates.iter();
        let retired = file.retired.iter();
        let certificates = slots
            .map(|(slot, der)| (Slot::object(*slot).to_vec(), der))
            .chain(retired.map(|key| (key.place.object(), &key.certificate)));
        for (tag, der) in certificates {
            all.insert(tag, packed(der, model.packing));
        }
    }
    if let Some(hostility) = model.hostility {
        for object in all.values_mut() {
            *object = hostility.spoil(object);
        }
    }
    all
}

fn packed(der: &[u8], packing: Packing) -> Vec<u8> {
    match packing {
        Packing::Plain => objects::certificate(der),
        Packing::PlainSaidGzip => objects::certificate_object(der, 0x01),
        Packing::Gzip => objects::certificate_object(&gzip(der), 0x01),
        Packing::GzipAsOnOldCards => objects::certificate_object(&gzip(der), 0x80),
        Packing::GzipUnsaid => objects::certificate_object(&gzip(der), 0x00),
        Packing::Zlib => objects::certificate_object(&zlib(der), 0x01),
    }
}

/// RFC 1952.
pub(in crate::virtual_card) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .expect("memory takes all that is written")
}

/// RFC 1950.
fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .expect("memory takes all that is written")
}
