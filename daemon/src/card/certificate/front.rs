//! The front of a certificate, before the rest of it has come: enough to tell
//! whose it is, and whether it is one that is known.

use cac_common::identity::readable;

use super::COMMON_NAME;
use crate::card::{simple_tlv, tlv};

// Tags of ASN.1 (X.690 §8).
const INTEGER: u32 = 0x02;
const SEQUENCE: u32 = 0x30;
const VERSION: u32 = 0xA0;

/// The front of a certificate, out of the front of its data object.
pub(in crate::card) struct Front<'a> {
    /// Of the whole certificate.
    pub(in crate::card) length: usize,
    /// As much of it as is there.
    pub(in crate::card) der: &'a [u8],
}

/// None if too little has come, or it is compressed.
pub(in crate::card) fn front(content: &[u8]) -> Option<Front<'_>> {
    let (0x70, length, der) = tlv::open(content).ok()? else {
        return None;
    };
    Front::of(length, der)
}

/// The same out of the front of the values of a PKI applet, by its tags.
pub(in crate::card) fn front_in_values<'a>(tags: &[u8], values: &'a [u8]) -> Option<Front<'a>> {
    if tags.is_empty() {
        return front(values);
    }
    let (at, length) = simple_tlv::place(tags, 0x70)?;
    Front::of(length, values.get(at..)?)
}

impl<'a> Front<'a> {
    fn of(length: usize, der: &'a [u8]) -> Option<Self> {
        let der = der.get(..length).unwrap_or(der);
        der.starts_with(&[0x30]).then_some(Self { length, der })
    }
}

impl Front<'_> {
    /// It is the front of this certificate, and tells it from any other that
    /// its issuer could have made.
    pub(in crate::card) fn is_of(&self, certificate: &[u8]) -> bool {
        self.length == certificate.len()
            && self.names_it_alone()
            && certificate.starts_with(self.der)
    }

    /// Serial number, issuer and dates are there: no issuer makes two
    /// certificates of one serial number (RFC 5280 §4.1.2.2).
    pub(in crate::card) fn names_it_alone(&self) -> bool {
        self.after_dates().is_some()
    }

    /// The common name of the subject, as soon as the whole subject is there.
    pub(in crate::card) fn subject(&self) -> Option<String> {
        let (subject, _) = tlv::first(self.after_dates()?).ok()?;
        (subject.tag == SEQUENCE).then_some(())?;
        let mut found = None;
        for part in tlv::elements(subject.value) {
            let (attribute, _) = tlv::first(part.ok()?.value).ok()?;
            let mut pair = tlv::elements(attribute.value);
            let (kind, text) = (pair.next()?.ok()?, pair.next()?.ok()?);
            if kind.value == COMMON_NAME.as_bytes() {
                found = std::str::from_utf8(text.value).ok().map(readable);
            }
        }
        found
    }

    /// What follows serial number, algorithm, issuer and validity (RFC 5280 §4.1).
    fn after_dates(&self) -> Option<&[u8]> {
        let (SEQUENCE, _, certificate) = tlv::open(self.der).ok()? else {
            return None;
        };
        let (SEQUENCE, _, mut rest) = tlv::open(certificate).ok()? else {
            return None;
        };
        if let Ok((element, after)) = tlv::first(rest)
            && element.tag == VERSION
        {
            rest = after;
        }
        for tag in [INTEGER, SEQUENCE, SEQUENCE, SEQUENCE] {
            let (element, after) = tlv::first(rest).ok()?;
            (element.tag == tag).then_some(())?;
            rest = after;
        }
        Some(rest)
    }
}
