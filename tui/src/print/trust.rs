//! Authorities, for a person and for a program.

use std::io::Write;
use std::path::Path;

use cac_common::certificate::{CertificateSummary, ChainStatus};
use cac_common::identity::{CardId, readable};
use cac_common::reader::ReaderName;
use cac_common::snapshot::{Card, Snapshot};
use cac_common::time::UtcSeconds;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::line;
use super::table::hanging;
use crate::failure::Failure;
use crate::phrase::{self, counted};
use crate::sheet::Sheet;
use crate::trust::{self, Authority, Held, HeldFile, Origin, Role, Supplied};

/// What `cacctl trust list` tells.
#[derive(Debug, Serialize)]
pub struct Listed {
    folder: String,
    files: Vec<ListedFile>,
    /// Absent where the daemon could not be asked.
    cards: Option<Vec<ListedCard>>,
}

#[derive(Debug, Serialize)]
struct ListedFile {
    /// Below the folder.
    name: String,
    /// What signs itself in it is trusted.
    anchors: bool,
    modified: Option<UtcSeconds>,
    sha256: Option<String>,
    origin: Option<Origin>,
    authorities: Vec<Authority>,
    /// Sentences.
    warnings: Vec<String>,
}

/// The certificate of a card that signs in, and who issued it.
#[derive(Debug, Serialize)]
struct ListedCard {
    card: Option<CardId>,
    reader: ReaderName,
    issuer: String,
    /// An authority of that name is in a file.
    issuer_is_here: bool,
    chain: ChainStatus,
}

/// What `cacctl trust show` tells.
#[derive(Debug, Serialize)]
pub struct Shown {
    file: String,
    sha256: String,
    origin: Option<Origin>,
    authorities: Vec<Authority>,
    /// Sentences.
    warnings: Vec<String>,
}

/// What `cacctl trust import` has done.
#[derive(Debug, Serialize)]
pub struct Imported {
    pub(crate) folder: String,
    /// The file that was written; absent where everything was there already.
    pub(crate) into: Option<String>,
    #[serde(flatten)]
    pub(crate) shown: Shown,
}

impl Listed {
    pub(crate) fn of(
        folder: &Path,
        held: &Held,
        snapshot: Option<&Snapshot>,
        now: UtcSeconds,
    ) -> Self {
        let files = held.files.iter();
        Self {
            folder: folder.display().to_string(),
            files: files.map(|file| ListedFile::of(file, held, now)).collect(),
            cards: snapshot.map(|snapshot| cards(snapshot, held)),
        }
    }

    /// Nothing waits for a person: something is trusted, no card is in whose
    /// issuer is not known.
    pub(crate) fn is_all_well(&self) -> bool {
        let anchors = self.files.iter().flat_map(|file| &file.authorities);
        let mut anchors = anchors.filter(|one| one.role == Role::Anchor);
        let mut cards = self.cards.iter().flatten();
        anchors.next().is_some()
            && cards.all(|card| !matches!(card.chain, ChainStatus::NotTrusted { .. }))
    }
}

impl ListedFile {
    fn of(file: &HeldFile, held: &Held, now: UtcSeconds) -> Self {
        let content = file.content.as_ref().ok();
        let certificates = content.map_or(&[][..], |content| &content.certificates);
        Self {
            name: file.name.clone(),
            anchors: file.is_anchor,
            modified: file.modified,
            sha256: content.map(|content| content.sha256.clone()),
            origin: content.and_then(|content| content.origin.clone()),
            authorities: held.authorities(certificates),
            warnings: file.warnings(now),
        }
    }
}

impl Shown {
    pub(crate) fn of(supplied: &Supplied, held: &Held, now: UtcSeconds) -> Self {
        Self {
            file: supplied.path.display().to_string(),
            sha256: supplied.sha256.clone(),
            origin: supplied.origin.clone(),
            authorities: held.authorities(&supplied.certificates),
            warnings: trust::warnings(&supplied.certificates, now),
        }
    }
}

impl Imported {
    /// In words, for the one who had it done.
    pub(crate) fn told(&self) -> String {
        let Some(into) = &self.into else {
            return format!(
                "Nothing is new: all of it is in {} already.",
                readable(&self.folder)
            );
        };
        let roots = roots(&self.shown.authorities).count();
        let what = match roots {
            0 => "none of them a root, so nothing more is trusted".to_owned(),
            count => format!("{} trusted", counted(count as u64, "root", "roots")),
        };
        format!(
            "Written to {}: {}, {what}. The service takes it over by itself; cacctl trust list says how the cards stand.",
            readable(into),
            authorities(self.shown.authorities.len())
        )
    }
}

fn roots(authorities: &[Authority]) -> impl Iterator<Item = &Authority> {
    let is_root = |one: &&Authority| matches!(one.role, Role::Anchor | Role::Root);
    authorities.iter().filter(is_root)
}

fn authorities(count: usize) -> String {
    counted(count as u64, "certificate", "certificates")
}

/// Each card that is read, by the certificate that signs in.
fn cards(snapshot: &Snapshot, held: &Held) -> Vec<ListedCard> {
    let readers = snapshot.readers.iter();
    let cards = readers.filter_map(|reader| Some((reader, reader.card.as_ref()?)));
    let listed = cards.filter_map(|(reader, card)| {
        let certificate = signs_in(card)?;
        Some(ListedCard {
            card: card.id.clone(),
            reader: reader.name.clone(),
            issuer: certificate.issuer.clone(),
            issuer_is_here: held.names(&certificate.issuer),
            chain: certificate.chain.clone(),
        })
    });
    listed.collect()
}

fn signs_in(card: &Card) -> Option<&CertificateSummary> {
    let slot = card.login.as_ref().map(|login| login.slot);
    let mut certificates = card.certificates.iter();
    certificates
        .find(|one| Some(one.slot) == slot)
        .or_else(|| card.certificates.first())
}

/// A paragraph for each file, and a line for each card.
pub(crate) fn list(
    out: &mut impl Write,
    listed: &Listed,
    sheet: Sheet,
    zone: &TimeZone,
) -> Result<(), Failure> {
    line(out, &readable(&listed.folder))?;
    if listed.files.is_empty() {
        line(out, "Nothing lies there, so no card is judged.")?;
    }
    for file in &listed.files {
        line(out, "")?;
        hanging(out, sheet, "", &head(file, zone))?;
        summary(out, &file.authorities, sheet, zone)?;
        for warning in &file.warnings {
            hanging(out, sheet, "  ! ", warning)?;
        }
    }
    let Some(cards) = &listed.cards else {
        line(out, "")?;
        return line(out, "The service cannot be asked about cards.");
    };
    for card in cards {
        line(out, "")?;
        let place = readable(&card.reader.0);
        let told = phrase::certificate::chain(&card.chain).1;
        let told = format!("issued by {}; {told}", readable(&card.issuer));
        hanging(out, sheet, &format!("card in {place}: "), &told)?;
        let is_missed = matches!(card.chain, ChainStatus::NotTrusted { .. });
        if is_missed && !card.issuer_is_here && !sheet.quiet {
            let text = "That issuer is in no file: it may be newer than they are. Import a newer bundle with cacctl trust import.";
            hanging(out, sheet, "  ! ", text)?;
        }
    }
    Ok(())
}

fn head(file: &ListedFile, zone: &TimeZone) -> String {
    let place = if file.anchors {
        "what signs itself in it is trusted"
    } else {
        "nothing in it is trusted"
    };
    let from = match (&file.origin, file.modified) {
        (Some(origin), _) => format!(
            "; imported on {} from {}",
            phrase::date(origin.at, zone),
            readable(&origin.from)
        ),
        (None, Some(modified)) => format!(
            "; put there by hand, as of {}",
            phrase::date(modified, zone)
        ),
        (None, None) => String::new(),
    };
    let count = authorities(file.authorities.len());
    format!("{}: {count}; {place}{from}", file.name)
}

/// The roots with their digests, how many others, and the cross-certificates.
fn summary(
    out: &mut impl Write,
    authorities: &[Authority],
    sheet: Sheet,
    zone: &TimeZone,
) -> Result<(), Failure> {
    for root in roots(authorities) {
        hanging(out, sheet, "  ", &told(root, zone))?;
    }
    let of = |role| authorities.iter().filter(move |one| one.role == role);
    if let Some(newest) = of(Role::Issuing).max_by_key(|one| one.not_before) {
        let text = format!(
            "{}, the newest {} from {}",
            counted(
                of(Role::Issuing).count() as u64,
                "issuing authority",
                "issuing authorities"
            ),
            newest.subject,
            phrase::date(newest.not_before, zone)
        );
        hanging(out, sheet, "  ", &text)?;
    }
    for cross in of(Role::CrossCertificate) {
        hanging(out, sheet, "  ", &told(cross, zone))?;
    }
    let others = of(Role::EndEntity).count();
    if others > 0 {
        line(
            out,
            &format!("  {} of no authority", self::authorities(others)),
        )?;
    }
    Ok(())
}

fn told(one: &Authority, zone: &TimeZone) -> String {
    let until = phrase::date(one.not_after, zone);
    let sha256 = one.sha256.to_uppercase();
    match one.role {
        Role::Anchor => format!("trusted root {}, to {until}, SHA-256 {sha256}", one.subject),
        Role::Root => format!("root {}, to {until}, SHA-256 {sha256}", one.subject),
        Role::CrossCertificate => format!(
            "cross-certificate: {} once more, as {} vouches for it, to {until}. It has the same name and key as another certificate here, and does no harm: the shortest way to a trusted root counts.",
            one.subject, one.issuer
        ),
        Role::Issuing => format!("{}, by {}, to {until}", one.subject, one.issuer),
        Role::EndEntity => format!(
            "{}, by {}, to {until}: no authority",
            one.subject, one.issuer
        ),
    }
}

/// All of a file.
pub(crate) fn show(
    out: &mut impl Write,
    shown: &Shown,
    sheet: Sheet,
    zone: &TimeZone,
) -> Result<(), Failure> {
    line(out, &readable(&shown.file))?;
    line(out, &format!("SHA-256 {}", shown.sha256.to_uppercase()))?;
    if let Some(origin) = &shown.origin {
        let text = format!(
            "imported on {} from {}, SHA-256 {}",
            phrase::date(origin.at, zone),
            readable(&origin.from),
            origin.sha256.to_uppercase()
        );
        hanging(out, sheet, "", &text)?;
    }
    let order = [
        Role::Anchor,
        Role::Root,
        Role::Issuing,
        Role::CrossCertificate,
        Role::EndEntity,
    ];
    for role in order {
        for one in shown.authorities.iter().filter(|one| one.role == role) {
            hanging(out, sheet, "  ", &told(one, zone))?;
        }
    }
    for warning in &shown.warnings {
        hanging(out, sheet, "  ! ", warning)?;
    }
    Ok(())
}
