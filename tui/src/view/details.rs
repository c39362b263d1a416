//! Everything about one reader, card, certificate, registration or entry.

mod certificate;

use cac_common::finding::Finding;
use cac_common::identity::{legible, readable};
use cac_common::reader::ReaderStatus;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Card, HelpDesk, Hidden, HistoryEntry, Registration, Stage};
use cac_common::time::UtcSeconds;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::text::field;
use super::{NO_ANSWER, pane};
use crate::app::{App, Chosen, Subject};
use crate::failure::PUT_IT_IN_AGAIN;
use crate::happening;
use crate::phrase::{self, Tone, times};
use crate::theme::Theme;
use crate::waiting::Wait;

const WIDEST: u16 = 84;

pub(super) fn draw(frame: &mut Frame<'_>, app: &App, of: &Subject, scroll: u16, theme: Theme) {
    let size = size(app, of, frame.area());
    let lines = Sheet::of(app, of, size.0.saturating_sub(4), theme).lines;
    let within = pane::dialog(frame, title(of), size, theme);
    let room = rows(&lines).saturating_sub(within.height);
    let scroll = scroll.min(room);
    frame.render_widget(Paragraph::new(lines).scroll((scroll, 0)), within);
    pane::more_below(frame, within, room - scroll, theme);
}

pub(super) fn scroll_room(app: &App, of: &Subject, whole: Rect) -> u16 {
    let size = size(app, of, whole);
    let (columns, height) = pane::room_in_dialog(whole, size);
    let theme = Theme::MONOCHROME;
    rows(&Sheet::of(app, of, columns, theme).lines).saturating_sub(height)
}

fn size(app: &App, of: &Subject, whole: Rect) -> (u16, u16) {
    let columns = WIDEST
        .min(whole.width.saturating_sub(4))
        .max(whole.width.min(20));
    let theme = Theme::MONOCHROME;
    let lines = Sheet::of(app, of, columns.saturating_sub(4), theme).lines;
    let height = rows(&lines).saturating_add(2);
    (columns, height.min(whole.height.saturating_sub(2)).max(3))
}

fn title(of: &Subject) -> &'static str {
    match of {
        Subject::Reader => "Reader",
        Subject::Card => "Card",
        Subject::Certificate(_) => "Certificate",
        Subject::Registration(_) => "Registration",
        Subject::Entry(_) => "What happened",
        Subject::Problems => "Problems",
    }
}

fn rows(lines: &[Line<'_>]) -> u16 {
    u16::try_from(lines.len()).unwrap_or(u16::MAX)
}

/// Names and what they are, one below the other.
struct Sheet {
    lines: Vec<Line<'static>>,
    columns: u16,
    theme: Theme,
}

impl Sheet {
    fn of(app: &App, of: &Subject, columns: u16, theme: Theme) -> Self {
        let mut sheet = Self {
            lines: Vec::new(),
            columns,
            theme,
        };
        match of {
            Subject::Reader => sheet.reader(app),
            Subject::Card => sheet.card_or_known(app),
            Subject::Certificate(slot) => sheet.certificate(app, *slot),
            Subject::Registration(portal) => sheet.registration(app, portal),
            Subject::Entry(entry) => sheet.entry(app, entry),
            Subject::Problems => sheet.problems(app),
        }
        sheet
    }

    fn field(&mut self, name: &str, value: &str) {
        self.toned(name, value, Tone::Quiet);
    }

    fn toned(&mut self, name: &str, value: &str, tone: Tone) {
        self.harmless(name, &readable(value), tone);
    }

    /// Of any length, where every part was made harmless already.
    fn harmless(&mut self, name: &str, value: &str, tone: Tone) {
        let styles = (self.theme.label(), self.theme.tone(tone));
        self.lines.extend(field(name, value, self.columns, styles));
    }

    fn if_any(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.field(name, value);
        }
    }

    /// Exactly, and how long ago or how soon.
    fn when(&mut self, name: &str, at: UtcSeconds, app: &App) {
        self.field(name, &times::both(app.now, at, &app.zone));
    }

    fn gap(&mut self) {
        self.lines.push(Line::default());
    }

    fn reader(&mut self, app: &App) {
        let reader = match app.chosen() {
            Some(Chosen::Reader(reader)) => reader,
            Some(Chosen::Known(_)) => return self.card_or_known(app),
            None => return self.field("", "No reader is plugged in."),
        };
        self.field("name", &reader.name.0);
        self.field("holds", phrase::reader(reader.status));
        match (&reader.card, reader.status) {
            (Some(card), _) => {
                self.gap();
                self.card(app, card);
            }
            (None, ReaderStatus::NoAnswer) => self.field("what to do", NO_ANSWER),
            (None, ReaderStatus::Card) if reader.hidden == Some(Hidden::PutInBefore) => {
                self.field("what to do", PUT_IT_IN_AGAIN);
            }
            (None, ReaderStatus::Card) => {
                self.field("", "Whose card it is, you may not see.");
            }
            (None, ReaderStatus::Empty) => {}
        }
    }

    fn card_or_known(&mut self, app: &App) {
        match app.chosen() {
            Some(Chosen::Reader(reader)) => match &reader.card {
                Some(card) => self.card(app, card),
                None => self.field("", "No card is in this reader."),
            },
            Some(Chosen::Known(known)) => {
                self.field("holder", &known.name);
                if let Some(tail) = &known.dod_id_tail {
                    self.field("DoD ID", &format!("••••••{tail}"));
                }
                self.field("card ID", &known.card.0);
                self.when("last seen", known.last_seen, app);
                for registration in &known.registrations {
                    let status = times::status(&registration.status, app.now);
                    self.field(&registration.portal, &status);
                }
            }
            None => self.field("", "No card is in a reader."),
        }
    }

    fn card(&mut self, app: &App, card: &Card) {
        let holder = card.holder.as_ref();
        self.if_any(
            "holder",
            holder.map(|holder| holder.name.to_string()).as_deref(),
        );
        if let Some(dod_id) = card.dod_id {
            let hint = if app.shows_dod_id {
                ""
            } else {
                " (x shows it)"
            };
            self.field("DoD ID", &format!("{}{hint}", app.dod_id(dod_id)));
        }
        if let Some(holder) = holder {
            if app.shows_dod_id {
                self.if_any("UPN", holder.upn.as_deref());
            }
            self.if_any("category", holder.category.as_deref());
        }
        self.field("kind", &card.kind);
        self.if_any("card ID", card.id.as_ref().map(|id| id.0.as_str()));
        self.if_any("expires", card.expires.as_deref());
        self.field("PIN", &phrase::pin(&card.pin));
        self.when("put in", card.inserted_at, app);
        let read = match &card.stage {
            Stage::Reading { done, of, what } => {
                let what = what
                    .as_deref()
                    .map_or_else(String::new, |what| format!(", now: {what}"));
                format!("{done} of {of} done{what}")
            }
            Stage::Read => phrase::read_in(card.read_apdus),
            Stage::Held => format!("failed: {}", phrase::HELD),
            Stage::Failed { cause } => format!("failed: {cause}"),
        };
        self.field("read", &read);
        let before = if card.recognised { "yes" } else { "no" };
        self.field("seen before", before);
        if let Some(login) = &card.login {
            self.field(
                "signs in with",
                &format!("{}: {}", login.slot, login.reason),
            );
        }
        for finding in phrase::by_weight(&card.findings) {
            self.finding(app, finding);
        }
    }

    fn finding(&mut self, app: &App, finding: &Finding) {
        let (tone, weight) = phrase::weight(finding.weight);
        self.gap();
        self.toned(weight, &app.discreet(&finding.to_string()), tone);
        self.field("", &app.discreet(&finding.meaning));
    }

    fn registration(&mut self, app: &App, portal: &str) {
        let found = app.registrations().iter().find(|one| one.portal == portal);
        let Some(registration) = found else {
            return self.field("", "Nothing is known of it any more.");
        };
        let profile = app.portal(portal);
        match profile {
            Some(profile) => {
                self.field("portal", &profile.title);
                self.field("address", &profile.origin);
                if !profile.enabled {
                    self.toned("", "switched off in the configuration", Tone::Wanted);
                }
            }
            None => self.field("portal", portal),
        }
        let status = &registration.status;
        let told = times::status(status, app.now);
        self.toned("status", &told, phrase::tone(status));
        self.status(app, status);
        let by_hand = app.wizard_at(portal).map(phrase::wizard);
        self.if_any("by hand", by_hand.as_deref());
        self.wait(app, registration);
        if let RegistrationStatus::NeedsConsent { notice } = status {
            self.gap();
            self.harmless("notice", &legible(&notice.text), Tone::Quiet);
            self.gap();
            self.toned("", "Press y to accept it, Esc to leave it.", Tone::Wanted);
        } else if let Some(advice) = registration.advice() {
            self.gap();
            self.field("what to do", &advice);
        }
        if let Some(help_desk) = profile.and_then(|profile| profile.help_desk.as_ref()) {
            self.gap();
            self.help_desk(help_desk);
        }
    }

    /// What it waits for, since when, and how to stop it; else since when it stands so.
    fn wait(&mut self, app: &App, registration: &Registration) {
        let Some(wait) = Wait::of(app, registration) else {
            if !matches!(registration.status, RegistrationStatus::Registered { .. })
                && registration.since != UtcSeconds::default()
            {
                self.when("since", registration.since, app);
            }
            return;
        };
        self.field("waits for", &wait.what);
        if let Some(since) = wait.since {
            let waited = phrase::span(app.now.since(since));
            let since = times::to_the_second(since, &app.zone);
            self.field("since", &format!("{since}, for {waited}"));
        }
        self.field("to stop it", wait.to_stop);
    }

    fn status(&mut self, app: &App, status: &RegistrationStatus) {
        match status {
            RegistrationStatus::Registered {
                since,
                checked_at,
                account,
                ..
            } => {
                self.if_any("account", account.as_deref());
                self.when("since", *since, app);
                self.when("checked", *checked_at, app);
            }
            RegistrationStatus::RegisteredNotSaved { account, .. } => {
                self.if_any("account", account.as_deref());
            }
            RegistrationStatus::Waiting { until, attempt, .. } => {
                self.field("attempt", &attempt.to_string());
                self.when("next try", *until, app);
            }
            RegistrationStatus::Unrecognised { cause } => {
                if let Some(page) = &cause.page {
                    self.field("page", &format!("status {}", page.status));
                    self.field("SHA-256", &page.sha256);
                }
            }
            RegistrationStatus::LockedOut { until: Some(until) } => {
                self.when("until", *until, app);
            }
            RegistrationStatus::NotSeen
            | RegistrationStatus::NeedsPin { .. }
            | RegistrationStatus::SigningIn
            | RegistrationStatus::OutOfDate { .. }
            | RegistrationStatus::NeedsConsent { .. }
            | RegistrationStatus::NeedsWizard
            | RegistrationStatus::NotEligible
            | RegistrationStatus::NeedsSponsor
            | RegistrationStatus::NotFound
            | RegistrationStatus::Forbidden { .. }
            | RegistrationStatus::Rejected { .. }
            | RegistrationStatus::PinBlocked
            | RegistrationStatus::LockedOut { until: None }
            | RegistrationStatus::Unsupported { .. }
            | RegistrationStatus::CardFailed { .. } => {}
        }
    }

    fn help_desk(&mut self, help_desk: &HelpDesk) {
        let name = help_desk.name.as_deref();
        self.field("help desk", name.unwrap_or("of this portal"));
        self.if_any("phone", help_desk.phone.as_deref());
        self.if_any("e-mail", help_desk.email.as_deref());
        self.if_any("page", help_desk.url.as_deref());
    }

    fn entry(&mut self, app: &App, entry: &HistoryEntry) {
        let at = times::to_the_second(entry.at, &app.zone);
        let ago = times::relative(app.now, entry.at);
        self.field("when", &format!("{at}, {ago}"));
        self.field("what", &happening::told(entry, app.snapshot.as_ref()));
        self.if_any("reader", entry.reader.as_ref().map(|name| name.0.as_str()));
        self.if_any("card ID", entry.card.as_ref().map(|id| id.0.as_str()));
        self.if_any("portal", entry.portal.as_deref());
        self.field("number", &entry.id.to_string());
    }

    fn problems(&mut self, app: &App) {
        let problems = app.problems();
        if problems.is_empty() {
            self.toned("", "There are none.", Tone::Good);
        }
        for (at, problem) in problems.iter().enumerate() {
            self.toned(&format!("{}", at + 1), &problem.text, problem.tone);
        }
    }
}
