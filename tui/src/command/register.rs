//! `cacctl register`: asks for the PIN where one is needed, hands it over, and
//! follows the card until it is at rest at every portal.

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::time::Duration;

use cac_common::client::{Client, ClientError, Monitor};
use cac_common::identity::{CardId, legible, readable};
use cac_common::interface::{self, AcceptNotice, SubmitPin};
use cac_common::locked::Locked;
use cac_common::registration::{Notice, RegistrationStatus};
use cac_common::snapshot::{Card, PinStatus, Reader, Registration, Snapshot, Stage, Visit};
use jiff::tz::TimeZone;

use super::ask_pin::{self, Question};
use super::ends::Ends;
use super::{ask_yes, which};
use crate::app::may_be_the_last_try;
use crate::cli::Register;
use crate::failure::{Exit, Failure};
use crate::patience::{self, Awaited};
use crate::phrase::{self, Tone};
use crate::print::table::hanging;
use crate::sheet::Sheet;
use crate::{clock, holders, print};

/// A card that is being read, or a daemon that was asked, shows news within this.
pub(super) const NEWS: Duration = Duration::from_secs(30);

/// A sign-in that has shown nothing for so long never will.
const SIGN_IN: Duration = Duration::from_mins(5);

/// A portal that still needs the PIN, after others were signed in to with it,
/// has its turn within this, or not at all.
const NEXT_TURN: Duration = Duration::from_secs(2);

pub async fn run(socket: &Path, wanted: Register, sheet: Sheet) -> Result<Exit, Failure> {
    let run = Run::start(socket, wanted, sheet).await?;
    finish(run, socket).await
}

/// The same, for a card that has not been taken out since that visit began.
pub(super) async fn run_in_visit(
    socket: &Path,
    wanted: Register,
    visit: Visit,
    sheet: Sheet,
) -> Result<Exit, Failure> {
    let run = Run::start(socket, wanted, sheet).await?;
    if run.visit != visit {
        return Err(Failure::CardGone);
    }
    finish(run, socket).await
}

async fn finish(mut run: Run, socket: &Path) -> Result<Exit, Failure> {
    run.wait_until_read().await?;
    let must_ask_again = !run.needs_pin()?
        && !run.is_registered()?
        && run.notice()?.is_none()
        && !run.is_locked()?;
    let before = run.snapshot.clone();
    if must_ask_again {
        run.ask_again(socket).await?;
    }
    let nothing_new = must_ask_again && !run.differs_from(&before)?;
    if run.needs_pin()? {
        run.hand_over_pin(socket).await?;
    } else if run.wanted.json || !must_ask_again || nothing_new {
        run.tell_all()?;
    }
    while run.accept_notice(socket).await? {}
    if run.wanted.json {
        print::json(&mut io::stdout().lock(), run.card()?)?;
    } else if run.sheet.quiet {
        run.tell_what_is_wrong()?;
    }
    run.exit()
}

/// One card followed through one visit.
struct Run {
    wanted: Register,
    sheet: Sheet,
    monitor: Monitor,
    snapshot: Snapshot,
    visit: Visit,
    zone: TimeZone,
    ends: Ends,
}

impl Run {
    async fn start(socket: &Path, wanted: Register, sheet: Sheet) -> Result<Self, Failure> {
        let mut ends = Ends::listen().map_err(Failure::Terminal)?;
        let mut monitor = Client::connect(socket).await?.monitor().await?;
        let snapshot = next(&mut monitor, &mut ends, NEWS)
            .await?
            .ok_or(ClientError::Silent)?;
        if let Some(name) = &wanted.portal {
            which::portal(&snapshot, name)?;
        }
        let visit = find(&snapshot, wanted.card.as_deref())?.visit;
        Ok(Self {
            wanted,
            sheet,
            monitor,
            snapshot,
            visit,
            zone: TimeZone::system(),
            ends,
        })
    }

    fn place(&self) -> Result<(&Reader, &Card), Failure> {
        let readers = self.snapshot.readers.iter();
        readers
            .filter_map(|reader| Some((reader, reader.card.as_ref()?)))
            .find(|(_, card)| card.visit == self.visit)
            .ok_or(Failure::CardGone)
    }

    fn card(&self) -> Result<&Card, Failure> {
        Ok(self.place()?.1)
    }

    fn id(&self) -> Result<CardId, Failure> {
        self.card()?.id.clone().ok_or(Failure::CardUnreadable {
            cause: "it says nothing by which it could be recognised".into(),
        })
    }

    /// The registrations that were asked for.
    fn registrations(&self) -> Result<impl Iterator<Item = &Registration>, Failure> {
        let of_portal = |one: &&Registration| {
            let wanted = self.wanted.portal.as_deref();
            wanted.is_none_or(|portal| one.portal == portal)
        };
        Ok(self.card()?.registrations.iter().filter(of_portal))
    }

    fn needs_pin(&self) -> Result<bool, Failure> {
        Ok(self
            .registrations()?
            .any(|registration| registration.status.has_use_for_pin()))
    }

    fn is_registered(&self) -> Result<bool, Failure> {
        Ok(self
            .registrations()?
            .all(|one| phrase::tone(&one.status) == Tone::Good))
    }

    async fn wait_until_read(&mut self) -> Result<(), Failure> {
        while !is_read(self.card()?)? {
            if !self.has_news(NEWS).await? {
                return Err(Failure::NoNews {
                    seconds: NEWS.as_secs(),
                });
            }
        }
        Ok(())
    }

    /// Has the daemon try again what was refused before.
    async fn ask_again(&mut self, socket: &Path) -> Result<(), Failure> {
        let before = self.snapshot.clone();
        let request = interface::Register {
            card: Some(self.id()?),
            portal: self.wanted.portal.clone(),
        };
        Client::connect(socket).await?.register(&request).await?;
        self.follow(&before).await
    }

    async fn hand_over_pin(&mut self, socket: &Path) -> Result<(), Failure> {
        let (reader, card) = self.place()?;
        if card.pin == PinStatus::Blocked {
            return Err(Failure::PinBlocked);
        }
        if may_be_the_last_try(&card.pin) && !self.wanted.even_the_last_try {
            return Err(Failure::last_try_of(card));
        }
        let question =
            Question::of(reader, card).for_registering(&self.snapshot, self.registrations()?);
        let (digits, length) = self.ask_pin(&question).await?;
        let before = self.snapshot.clone();
        let request = SubmitPin {
            card: self.id()?,
            visit: self.visit,
            even_the_last_try: self.wanted.even_the_last_try,
        };
        let mut client = Client::connect(socket).await?;
        client.submit_pin(request, digits, length).await?;
        self.follow(&before).await
    }

    /// The portal has locked every account that is meant, and not for long enough yet.
    fn is_locked(&self) -> Result<bool, Failure> {
        let now = clock::now();
        Ok(self.registrations()?.all(|one| {
            matches!(one.status, RegistrationStatus::LockedOut { until: Some(until) } if now < until)
        }))
    }

    /// The notice that a registration waits for, and where.
    fn notice(&self) -> Result<Option<(String, Notice)>, Failure> {
        Ok(self.registrations()?.find_map(|one| {
            let RegistrationStatus::NeedsConsent { notice } = &one.status else {
                return None;
            };
            Some((one.portal.clone(), notice.clone()))
        }))
    }

    /// Shows a notice and goes on if the person accepts it; false if there is
    /// none, or nobody to ask.
    async fn accept_notice(&mut self, socket: &Path) -> Result<bool, Failure> {
        let Some((portal, notice)) = self.notice()? else {
            return Ok(false);
        };
        if self.wanted.json || !io::stdin().is_terminal() {
            return Ok(false);
        }
        let title = print::portal_title(&self.snapshot, &portal);
        // With the question, wherever standard output goes.
        let question = format!(
            "{title} shows this notice:\n\n{}\n\nAccept it? [y/N] ",
            legible(&notice.text)
        );
        let mut asked = std::pin::pin!(ask_yes::ask(&question));
        let is_accepted = loop {
            tokio::select! {
                answer = &mut asked => break answer?,
                snapshot = self.monitor.next() => self.snapshot = snapshot?,
                () = self.ends.any() => return Err(Failure::Interrupted),
            }
            self.card()?;
        };
        if !is_accepted {
            return Err(Failure::NoticeNotAccepted);
        }
        let before = self.snapshot.clone();
        let request = AcceptNotice {
            card: self.id()?,
            visit: self.visit,
            portal,
            sha256: notice.sha256,
        };
        let mut client = Client::connect(socket).await?;
        client.accept_notice(&request).await?;
        self.follow(&before).await?;
        if self.needs_pin()? {
            self.hand_over_pin(socket).await?;
        }
        Ok(true)
    }

    /// Asks, and stops asking when the card is taken out.
    async fn ask_pin(&mut self, question: &Question) -> Result<(Locked, usize), Failure> {
        let prompt = self.wanted.prompt.clone();
        let mut asked = std::pin::pin!(ask_pin::ask(question, &prompt));
        loop {
            tokio::select! {
                pin = &mut asked => return pin,
                snapshot = self.monitor.next() => self.snapshot = snapshot?,
                () = self.ends.any() => return Err(Failure::Interrupted),
            }
            self.card()?;
        }
    }

    /// Tells each change until the card is at rest.
    async fn follow(&mut self, before: &Snapshot) -> Result<(), Failure> {
        let mut told = before.clone();
        let mut has_begun = false;
        loop {
            self.tell_changes(&told)?;
            told = self.snapshot.clone();
            has_begun |= self.differs_from(before)?;
            let at_work = self
                .registrations()?
                .any(|one| one.status == RegistrationStatus::SigningIn);
            let patience = match (at_work, has_begun, self.needs_pin()?) {
                (true, ..) => SIGN_IN,
                (false, false, _) => NEWS,
                (false, true, true) => NEXT_TURN,
                (false, true, false) => return Ok(()),
            };
            if !self.has_news(patience).await? {
                if at_work {
                    return Err(Failure::NoNews {
                        seconds: patience.as_secs(),
                    });
                }
                return Ok(());
            }
        }
    }

    /// Whether what was asked for has shown an effect.
    fn differs_from(&self, before: &Snapshot) -> Result<bool, Failure> {
        let newest = |snapshot: &Snapshot| snapshot.happened.last().map(|entry| entry.id);
        let card = self.card()?;
        let was = before
            .readers
            .iter()
            .filter_map(|reader| reader.card.as_ref())
            .find(|was| was.visit == self.visit);
        let same =
            was.is_some_and(|was| was.registrations == card.registrations && was.pin == card.pin);
        Ok(!same || newest(&self.snapshot) > newest(before))
    }

    /// Waits for the next snapshot; false if none came in time.
    async fn has_news(&mut self, patience: Duration) -> Result<bool, Failure> {
        let next = next(&mut self.monitor, &mut self.ends, patience);
        match patience::of(Awaited::Card, next).await? {
            Some(snapshot) => {
                self.snapshot = snapshot;
                self.card()?;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn tell_changes(&self, told: &Snapshot) -> Result<(), Failure> {
        if self.wanted.json || self.sheet.quiet {
            return Ok(());
        }
        let was: Vec<&Registration> = told
            .readers
            .iter()
            .filter_map(|reader| reader.card.as_ref())
            .filter(|card| card.visit == self.visit)
            .flat_map(|card| &card.registrations)
            .collect();
        for registration in self.registrations()? {
            if !was.contains(&registration) {
                self.tell(registration)?;
            }
        }
        Ok(())
    }

    /// Where it is not registered, and why.
    fn tell_what_is_wrong(&self) -> Result<(), Failure> {
        for one in self.registrations()? {
            if exit_of(&one.status) != Exit::Fine {
                let status = phrase::status(&one.status, clock::now(), &self.zone);
                let portal = print::portal_title(&self.snapshot, &one.portal);
                print::line(
                    &mut io::stderr().lock(),
                    &format!("cacctl: {portal}: {status}"),
                )?;
            }
        }
        Ok(())
    }

    fn tell_all(&self) -> Result<(), Failure> {
        if self.wanted.json || self.sheet.quiet {
            return Ok(());
        }
        for registration in self.registrations()? {
            self.tell(registration)?;
        }
        Ok(())
    }

    fn tell(&self, registration: &Registration) -> Result<(), Failure> {
        let text = print::registration(&self.snapshot, registration, clock::now(), &self.zone);
        hanging(&mut io::stdout().lock(), self.sheet, "", &text)
    }

    /// What needs a person comes before what was refused, and that before what failed.
    fn exit(&self) -> Result<Exit, Failure> {
        let exits: Vec<Exit> = self
            .registrations()?
            .map(|registration| exit_of(&registration.status))
            .collect();
        let worst = [Exit::NeedsPerson, Exit::Refused, Exit::Failed]
            .into_iter()
            .find(|exit| exits.contains(exit));
        Ok(worst.unwrap_or(Exit::Fine))
    }
}

/// The next snapshot, or `None` if none came in time.
pub(super) async fn next(
    monitor: &mut Monitor,
    ends: &mut Ends,
    patience: Duration,
) -> Result<Option<Snapshot>, Failure> {
    tokio::select! {
        next = tokio::time::timeout(patience, monitor.next()) => match next {
            Ok(snapshot) => Ok(Some(snapshot?)),
            Err(_) => Ok(None),
        },
        () = ends.any() => Err(Failure::Interrupted),
    }
}

/// The card that was named, else the only one.
pub(super) fn find<'a>(snapshot: &'a Snapshot, id: Option<&str>) -> Result<&'a Card, Failure> {
    let cards: Vec<&Card> = snapshot
        .readers
        .iter()
        .filter_map(|reader| reader.card.as_ref())
        .collect();
    if let Some(id) = id {
        let named = cards.into_iter().find(|card| {
            let known = card.id.as_ref();
            known.is_some_and(|known| known.0 == id)
        });
        return named.ok_or_else(|| Failure::OtherCard {
            id: CardId(readable(id)),
            there: ids(snapshot),
        });
    }
    match cards.as_slice() {
        [only] => Ok(only),
        [] => {
            let hidden = snapshot
                .readers
                .iter()
                .find(|reader| reader.hidden.is_some());
            Err(match hidden {
                Some(reader) => Failure::CardHidden {
                    reader: readable(&reader.name.0),
                    why: reader.hidden,
                },
                None => Failure::NoCard,
            })
        }
        several => Err(Failure::SeveralCards {
            names: several.iter().copied().filter_map(id_of).collect(),
        }),
    }
}

/// Of the cards that are in readers.
fn ids(snapshot: &Snapshot) -> Vec<String> {
    let cards = snapshot.readers.iter();
    cards
        .filter_map(|reader| id_of(reader.card.as_ref()?))
        .collect()
}

fn id_of(card: &Card) -> Option<String> {
    card.id.as_ref().map(|id| readable(&id.0))
}

pub(super) fn exit_of(status: &RegistrationStatus) -> Exit {
    match status {
        RegistrationStatus::Registered { .. } => Exit::Fine,
        RegistrationStatus::NeedsPin { .. }
        | RegistrationStatus::OutOfDate { .. }
        | RegistrationStatus::NeedsConsent { .. }
        | RegistrationStatus::NeedsWizard => Exit::NeedsPerson,
        RegistrationStatus::NotEligible
        | RegistrationStatus::NeedsSponsor
        | RegistrationStatus::NotFound
        | RegistrationStatus::Forbidden { .. }
        | RegistrationStatus::Rejected { .. }
        | RegistrationStatus::PinBlocked
        | RegistrationStatus::LockedOut { .. }
        | RegistrationStatus::Unsupported { .. } => Exit::Refused,
        RegistrationStatus::NotSeen
        | RegistrationStatus::SigningIn
        | RegistrationStatus::RegisteredNotSaved { .. }
        | RegistrationStatus::Waiting { .. }
        | RegistrationStatus::Unrecognised { .. }
        | RegistrationStatus::CardFailed { .. } => Exit::Failed,
    }
}

/// Whether a card is read to its end; why it will not be.
pub(super) fn is_read(card: &Card) -> Result<bool, Failure> {
    match &card.stage {
        Stage::Read => Ok(true),
        Stage::Reading { .. } => Ok(false),
        Stage::Failed { cause } => Err(Failure::CardUnreadable {
            cause: readable(cause),
        }),
        Stage::Held => Err(Failure::CardHeld {
            suspects: holders::suspects(),
        }),
    }
}
