//! The signed objects of a card, and what is printed on it.

use std::time::{Duration, SystemTime};

use aws_lc_rs::digest;
use der::DateTime;

use super::blemish::Blemish;
use super::office::Office;
use super::{Authority, CardNumbers, CardOrder, IssueError, random_uuid};
use crate::virtual_card::certificate::CertificateError;
use crate::virtual_card::cms::{self, Content};
use crate::virtual_card::objects::{self, CHUID_CONTAINER, Chuid, Date, PRINTED_CONTAINER, Tag};
use crate::virtual_card::person::Person;

const MONTH: Duration = Duration::from_hours(24 * 30);

/// CHUID, Printed Information, and the Security Object over both.
pub(super) fn signed_objects(
    authority: &Authority,
    order: &CardOrder<'_>,
    numbers: &CardNumbers,
) -> Result<[(Tag, Vec<u8>); 3], IssueError> {
    let impostor;
    let signer = if order.has(Blemish::SignerUnknown) {
        impostor = Office::impostor(order.validity)?;
        &impostor
    } else {
        &authority.content_signer
    };
    let expires = last_day(order)?;
    let chuid = chuid(order, numbers, expires, signer)?;
    let printed = printed_information(&order.person, expires, numbers.credential);
    let mut hashes = [&chuid, &printed].map(|object| {
        let content = objects::content(object);
        digest::digest(&digest::SHA256, content).as_ref().to_vec()
    });
    if order.has(Blemish::SecurityHashWrong) {
        hashes[0].reverse();
    }
    let list = cms::hash_list(&hashes);
    let list = signer.sign_content(cms::LDS_SECURITY_OBJECT, &list, Content::Inside)?;
    let security = objects::security_object(&[CHUID_CONTAINER, PRINTED_CONTAINER], &list);
    Ok([
        (objects::CHUID.to_vec(), chuid),
        (objects::PRINTED_INFORMATION.to_vec(), printed),
        (objects::SECURITY_OBJECT.to_vec(), security),
    ])
}

fn chuid(
    order: &CardOrder<'_>,
    numbers: &CardNumbers,
    expires: Date,
    signer: &Office,
) -> Result<Vec<u8>, IssueError> {
    let mut holder = order.person.uuid();
    let mut chuid = Chuid {
        fascn: numbers.fascn,
        card: numbers.card_id,
        expires,
        holder: Some(holder),
    };
    if order.has(Blemish::FascnDiffers) {
        let other = numbers.credential % 999_999 + 1;
        chuid.fascn = order.person.fascn(other).encode();
    }
    if order.has(Blemish::UuidDiffers) {
        chuid.card = random_uuid();
    }
    if order.has(Blemish::ChuidUnsigned) {
        return Ok(chuid.object(&[]));
    }
    let mut signature = signer.sign_content(
        cms::CHUID_SECURITY_OBJECT,
        &chuid.to_be_signed(),
        Content::Detached,
    )?;
    if order.has(Blemish::ChuidSignatureBroken)
        && let Some(last) = signature.last_mut()
    {
        *last ^= 1;
    }
    if order.has(Blemish::ChuidTampered) {
        holder[15] ^= 1;
        chuid.holder = Some(holder);
    }
    Ok(chuid.object(&signature))
}

/// The day on which the card ends: with its certificates, unless that is its blemish.
fn last_day(order: &CardOrder<'_>) -> Result<Date, CertificateError> {
    let validity = order.validity;
    let end: SystemTime = if order.has(Blemish::CardEnded) {
        validity.not_before + MONTH
    } else if order.has(Blemish::CardEndsFirst) {
        validity.not_after - MONTH
    } else {
        validity.not_after
    };
    let end = DateTime::from_system_time(end).map_err(|_| CertificateError::Validity)?;
    Ok(Date {
        year: end.year(),
        month: end.month(),
        day: end.day(),
    })
}

fn printed_information(person: &Person, day: Date, credential: u32) -> Vec<u8> {
    let middle = person.middle.as_deref().unwrap_or_default();
    let name = format!("{}, {} {middle}", person.last, person.first);
    let affiliation = match person.poa {
        4 => "UNIFORMED SERVICE",
        5 => "CONTRACTOR",
        _ => "CIVILIAN",
    };
    objects::printed_information(name.trim_end(), affiliation, day, credential)
}
