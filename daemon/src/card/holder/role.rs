//! In what role the holder has the card, by the best evidence there is.

use cac_common::eligibility::{Category, Known, Standing};
use cac_common::fascn::FascN;
use cac_common::persona::Persona;

use super::Evidence;
use crate::card::certificate::{card_numbers, organisational_units};
use crate::card::facts::CardCertificate;

/// The unit of a contractor, whatever the component.
const CONTRACTOR: &str = "CONTRACTOR";
/// Units that every certificate of the DoD has, and what says nothing.
const NO_COMPONENT: [&str; 5] = ["DoD", "DOD", "PKI", CONTRACTOR, "OTHER"];

/// In words, and what the words come to where that is known.
struct Role {
    words: String,
    category: Option<Known<Category>>,
}

/// `civilian · Navy`, as far as the card tells, and the same for a program. What
/// an issuer signed is believed before what anyone may have written.
pub(super) fn told(
    evidence: &Evidence<'_>,
    named: Option<&CardCertificate>,
) -> (Option<String>, Standing) {
    let units = named.map_or_else(Vec::new, |named| organisational_units(&named.der));
    let signed = named.and_then(|named| card_numbers(&named.der).fascn?.ok());
    let signed = signed.as_ref().map(|decoded| &decoded.fascn);
    let is_other = [signed, evidence.fascn]
        .into_iter()
        .flatten()
        .any(|fascn| !fascn.is_federal() || fascn.category > 1);
    if is_other {
        let category = Some(Known::good(Category::OtherCredential, "FASC-N"));
        let standing = Standing {
            category,
            component: None,
        };
        return (Some("other credential".into()), standing);
    }
    let upn = named.and_then(|named| Persona::from_upn(named.summary.upn.as_deref()?));
    let affiliation = [
        (signed.and_then(FascN::affiliation), "FASC-N"),
        (upn.and_then(|persona| persona.affiliation()), "UPN"),
        (evidence.fascn.and_then(FascN::affiliation), "FASC-N"),
    ]
    .into_iter()
    .filter_map(|(affiliation, source)| Some((affiliation?, source)))
    .find(|(affiliation, _)| affiliation.association != 0);
    let from_deers = || {
        let personnel = evidence.personnel?;
        Some(Role {
            words: personnel.category_title()?.to_owned(),
            category: personnel
                .role()
                .map(|role| Known::good(role, "personnel category")),
        })
    };
    let from_affiliation = || {
        let (affiliation, source) = affiliation?;
        Some(Role {
            words: affiliation.association_title()?.to_owned(),
            category: affiliation.role().map(|role| Known::good(role, source)),
        })
    };
    let from_units = || {
        let category = Known::good(Category::Contractor, "subject");
        is_contractor(&units).then(|| of(category))
    };
    let from_mail = || {
        Some(of(Known::hint(
            mail_hint(&named?.summary.mail)?,
            "mail address",
        )))
    };
    let from_print = || {
        let words = evidence.printed?.affiliation.as_ref()?.to_lowercase();
        let category = words.parse().ok();
        Some(Role {
            category: category.map(|category| Known::hint(category, "what is printed on the card")),
            words,
        })
    };
    let role = from_deers()
        .or_else(from_affiliation)
        .or_else(from_units)
        .or_else(from_mail)
        .or_else(from_print);
    let component = evidence
        .personnel
        .and_then(|personnel| Some(Known::good(personnel.branch_title()?, "branch of service")))
        .map(owned)
        .or_else(|| Some(Known::good(component(&units)?, "subject")))
        .or_else(|| {
            let (affiliation, source) = affiliation?;
            Some(owned(Known::good(
                affiliation.organisation_title()?,
                source,
            )))
        });
    let words: Vec<&str> = [
        role.as_ref().map(|role| role.words.as_str()),
        component.as_ref().map(|component| component.value.as_str()),
    ]
    .into_iter()
    .flatten()
    .collect();
    let in_words = (!words.is_empty()).then(|| words.join(" · "));
    let standing = Standing {
        category: role.and_then(|role| role.category),
        component,
    };
    (in_words, standing)
}

fn of(category: Known<Category>) -> Role {
    Role {
        words: category.value.title().to_owned(),
        category: Some(category),
    }
}

fn owned(known: Known<&str>) -> Known<String> {
    Known {
        value: known.value.to_owned(),
        sure: known.sure,
        source: known.source,
    }
}

fn is_contractor(units: &[String]) -> bool {
    units.iter().any(|unit| unit == CONTRACTOR)
}

/// The component that the units of a subject name. The list of the DoD's is
/// open: one that is not known is shown as it stands.
fn component(units: &[String]) -> Option<String> {
    let is_of_the_dod = units.iter().any(|unit| unit.eq_ignore_ascii_case("DoD"));
    units.iter().rev().find_map(|unit| {
        let known = match unit.as_str() {
            "USA" => "Army",
            "USN" => "Navy",
            "USMC" => "Marine Corps",
            "USAF" => "Air Force",
            "USCG" => "Coast Guard",
            "USPHS" => "Public Health Service",
            other if is_of_the_dod && !NO_COMPONENT.contains(&other) => other,
            _ => return None,
        };
        Some(known.to_owned())
    })
}

/// The part of a mail address that says in what role it was given:
/// `jane.q.doe.civ@example.com`.
fn mail_hint(mail: &[String]) -> Option<Category> {
    mail.iter().find_map(|address| {
        let (name, _) = address.split_once('@')?;
        let (_, part) = name.rsplit_once('.')?;
        match part.to_ascii_lowercase().as_str() {
            "ctr" => Some(Category::Contractor),
            "civ" => Some(Category::Civilian),
            "mil" => Some(Category::Uniformed),
            _ => None,
        }
    })
}
