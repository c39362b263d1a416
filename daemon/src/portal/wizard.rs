//! Registers by hand, as the steps of the profile lead: opens pages, fills in
//! forms with what a person typed, and says what is to be typed next.
//!
//! It goes on by itself from page to page; whatever it meets that the profile
//! does not describe ends it.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use cac_common::cause::{Cause, Kind};
use cac_common::identity::readable;
use cac_common::profile::{FieldKind, Step};
use cac_common::registration::{Notice, Outcome};
use cac_common::trace::Trace;
use x509_cert::der::pem::{self, LineEnding};

use super::consent::hex;
use super::cookies::Jar;
pub use super::filling::Value;
use super::filling::{Misfit, Once};
use super::outcome::{self, Answer};
use super::page::{self, Page};
use super::refusal::Own;
use super::sign_in::{LIMITS, Limits};
use super::tls;
use super::walk::{self, Ask, End, Walk};
use super::witness::{Seen, SigningFault, Witness};
use super::{Identity, Portal, SignInError};

/// A confirmation that is longer is no page for people to keep.
const LONGEST_CONFIRMATION: usize = 256 << 10;

/// What there is with a portal between two legs.
pub struct Session {
    portal: Arc<Portal>,
    cookies: Jar,
    /// The page at hand, redirects behind us.
    page: Option<Answer>,
    /// The certificate went along, by TLS or in a form.
    gave_certificate: bool,
    kept: Option<Shown>,
}

/// The way from one question to the next.
pub struct Leg {
    /// The step it begins at.
    pub at: usize,
    pub begins: Begins,
    pub identity: Identity,
    /// The key may sign in it.
    pub signs: bool,
}

pub enum Begins {
    /// With the step's page.
    Opening,
    /// With the step's form, and what was typed for each field.
    Sending(Vec<(String, Value)>),
    /// After the step, which a person did elsewhere.
    Told,
}

impl Begins {
    /// What it sends may be sent only once.
    pub fn has_password(&self) -> bool {
        let Self::Sending(values) = self else {
            return false;
        };
        let mut values = values.iter();
        values.any(|(_, value)| matches!(value, Value::Password(_)))
    }
}

/// Where a leg has led.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// This step wants something typed.
    Asks { at: usize, why: Why },
    /// This step is done by a person, elsewhere.
    Tells { at: usize },
    /// It cannot go on from this step by itself.
    Stopped {
        at: usize,
        cause: Cause,
        /// What was typed may have reached the portal.
        sent: bool,
    },
    /// A person has to accept it before the portal goes on.
    Notice { at: usize, notice: Notice },
    /// The portal has locked the account.
    LockedOut { at: usize },
    Done {
        /// The last page that the profile describes, with the certificate given.
        registered: Option<Account>,
        shown: Option<Shown>,
    },
}

/// The account that the portal named, if it did.
pub type Account = Option<String>;

/// Why a step is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    Next,
    /// What was typed was sent, and the portal shows the form again.
    Refused,
    /// The portal is back at this earlier step.
    Expired,
}

/// A page for people to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    pub text: String,
    pub html: String,
    pub account: Account,
}

/// Why a leg goes no further: the turn it ends in, or a fault on our side.
enum Halt {
    Turn(Turn),
    Fault(SignInError),
}

impl From<SignInError> for Halt {
    fn from(fault: SignInError) -> Self {
        Self::Fault(fault)
    }
}

impl Session {
    pub fn new(portal: Arc<Portal>) -> Self {
        Self {
            portal,
            cookies: Jar::default(),
            page: None,
            gave_certificate: false,
            kept: None,
        }
    }

    /// Goes one leg, telling each step it comes to. Blocks the thread that
    /// drives it while the key signs.
    pub async fn go(
        &mut self,
        leg: Leg,
        trace: &mut Trace,
        tell: impl FnMut(usize),
    ) -> Result<Turn, SignInError> {
        self.go_within(LIMITS, leg, trace, tell).await
    }

    pub(super) async fn go_within(
        &mut self,
        limits: Limits,
        leg: Leg,
        trace: &mut Trace,
        tell: impl FnMut(usize),
    ) -> Result<Turn, SignInError> {
        match self.lead(limits, leg, trace, tell).await {
            Ok(turn) | Err(Halt::Turn(turn)) => Ok(turn),
            Err(Halt::Fault(fault)) => Err(fault),
        }
    }

    async fn lead(
        &mut self,
        limits: Limits,
        leg: Leg,
        trace: &mut Trace,
        mut tell: impl FnMut(usize),
    ) -> Result<Turn, Halt> {
        let portal = Arc::clone(&self.portal);
        let steps = &portal.profile.wizard;
        let Leg {
            mut at,
            begins,
            identity,
            signs,
        } = leg;
        let with = With {
            own: Own::new(
                &identity.certificate,
                !identity.intermediates.is_empty(),
                identity.standing.clone(),
            )?,
            identity,
            limits,
        };
        // Its page is the only one that the key signs for.
        let mut signs_at = None;
        match begins {
            Begins::Opening => signs_at = signs.then_some(at),
            Begins::Told => at += 1,
            Begins::Sending(values) => {
                let step = steps.get(at).ok_or(halt(at, "there is no such step"))?;
                tell(at);
                let once = self.filled(at, step, values, &with.identity)?;
                let signs = signs && step.certificate;
                self.walk(Ask::once(once), at, signs, &with, trace).await?;
                self.proven(at, Why::Refused, &with)?;
                at += 1;
            }
        }
        while let Some(step) = steps.get(at) {
            tell(at);
            if step.is_told() {
                return Ok(Turn::Tells { at });
            }
            let wants_key = step.certificate && step.form.is_none();
            let turn = Turn::Asks { at, why: Why::Next };
            if wants_key && signs_at != Some(at) {
                return Ok(turn);
            }
            if let Some(url) = &step.page {
                self.walk(Ask::page(url.clone()), at, wants_key, &with, trace)
                    .await?;
            }
            if step.form.is_some() {
                self.has_form(at, &with)?;
                return Ok(turn);
            }
            self.proven(at, Why::Next, &with)?;
            at += 1;
        }
        let shown = self.kept.clone();
        let account = shown.as_ref().and_then(|shown| shown.account.clone());
        Ok(Turn::Done {
            registered: self.gave_certificate.then_some(account),
            shown,
        })
    }

    /// The form of the page at hand, filled in.
    fn filled(
        &mut self,
        at: usize,
        step: &Step,
        mut values: Vec<(String, Value)>,
        identity: &Identity,
    ) -> Result<Once, Halt> {
        let certificates = step.fields.iter();
        for field in certificates.filter(|field| field.kind == FieldKind::Certificate) {
            let pem = pem::encode_string("CERTIFICATE", LineEnding::LF, &identity.certificate)
                .map_err(|_| halt(at, "the certificate cannot be written as text"))?;
            values.push((field.name.clone(), Value::Certificate(pem)));
        }
        let gives_certificate = values
            .iter()
            .any(|(_, value)| matches!(value, Value::Certificate(_)));
        // What is on it may be sent once.
        let answer = self.page.take();
        let answer = answer.ok_or_else(|| halt(at, "no page of the portal is at hand"))?;
        let selector = self.portal.steps[at].form.as_ref();
        let once = Page::parse(answer.content_type.as_deref(), &answer.body)
            .ok()
            .as_ref()
            .and_then(Page::markup)
            .zip(selector)
            .ok_or(Misfit("the page has no form".into()))
            .and_then(|(html, selector)| Once::fill(html, selector, &answer.url, values));
        let once = once.map_err(|Misfit(why)| halt(at, &why))?;
        if !self.portal.profile.allows(&once.action) {
            let origin = readable(&once.action.origin().ascii_serialization());
            return Err(stopped(at, walk::leads_away(&origin), false));
        }
        self.gave_certificate |= gives_certificate;
        Ok(once)
    }

    /// Asks, and keeps the page that comes of it.
    async fn walk(
        &mut self,
        ask: Ask,
        at: usize,
        signs: bool,
        with: &With,
        trace: &mut Trace,
    ) -> Result<(), Halt> {
        self.page = None;
        let sends = ask.once.is_some();
        let portal = Arc::clone(&self.portal);
        let witness = Arc::new(Witness::default());
        let identity = signs.then(|| with.identity.clone());
        let config = tls::client_config(&portal, identity, Arc::clone(&witness))?;
        let mut walk = Walk {
            portal: &portal,
            client: walk::client(with.limits.connect, &portal, config, &witness)?,
            witness: &witness,
            cookies: &mut self.cookies,
            now: with.identity.standing.at,
            accepted: with.identity.accepted.clone(),
        };
        let walked = walk.follow(ask, &mut trace.hops);
        let ended = tokio::time::timeout(with.limits.whole, walked).await;
        let seen = witness.seen();
        match seen.fault {
            Some(SigningFault::Signer(failed)) => return Err(SignInError::from(failed).into()),
            Some(SigningFault::Wrong) => return Err(SignInError::WrongSignature.into()),
            None => {}
        }
        self.gave_certificate |= signs && seen.signed > 0;
        match ended {
            Err(_) => Err(stopped(at, walk::too_late(), sends)),
            Ok(Err(lost)) => {
                let sent = sends && !lost.error.is_connect();
                Err(stopped(at, lost.outcome(&with.own, seen), sent))
            }
            Ok(Ok(End::Answer(answer))) => {
                if let Some(outcome) = outcome::withheld(&with.own, seen) {
                    return Err(stopped(at, outcome, sends));
                }
                self.page = Some(answer);
                Ok(())
            }
            Ok(Ok(end)) => Err(stopped(at, end.without_an_answer(), sends)),
        }
    }

    /// Holds the page at hand against what shows that a step has worked.
    fn proven(&mut self, at: usize, why: Why, with: &With) -> Result<(), Halt> {
        let portal = Arc::clone(&self.portal);
        let (step, markers) = (&portal.profile.wizard[at], &portal.steps[at]);
        let Some(answer) = &self.page else {
            return Err(halt(at, "no page of the portal is at hand"));
        };
        let page = parsed(at, answer)?;
        let is_proven = match &markers.proof {
            Some(proof) => page.has(proof),
            None => true,
        };
        if !answer.status.is_success() || !is_proven {
            let wanted = step.proof.as_deref().unwrap_or("a page that is there");
            return Err(Halt::Turn(self.other(at, &page, why, wanted, with)));
        }
        if markers.proof.is_some() {
            self.kept = page.markup().map(|html| Shown {
                text: cut(page::lines(html)),
                html: cut(String::from_utf8_lossy(&answer.body).into_owned()),
                account: markers.account.as_ref().and_then(|it| page.first(it)),
            });
        }
        Ok(())
    }

    fn has_form(&self, at: usize, with: &With) -> Result<(), Halt> {
        let Some(answer) = &self.page else {
            return Err(halt(at, "no page of the portal is at hand"));
        };
        let page = parsed(at, answer)?;
        let form = self.portal.steps[at].form.as_ref();
        if form.is_some_and(|form| page.has(form)) {
            return Ok(());
        }
        let wanted = self.portal.profile.wizard[at].form.as_deref();
        Err(Halt::Turn(self.other(
            at,
            &page,
            Why::Next,
            wanted.unwrap_or_default(),
            with,
        )))
    }

    /// What it means that the page at hand is another than was wanted.
    fn other(&self, at: usize, page: &Page, why: Why, wanted: &str, with: &With) -> Turn {
        let Some(answer) = &self.page else {
            return Turn::Tells { at };
        };
        let judged = outcome::judge(
            &self.portal,
            answer,
            &with.own,
            Seen::default(),
            &mut Vec::new(),
        );
        if judged == Outcome::LockedOut {
            return Turn::LockedOut { at };
        }
        let forms = self.portal.steps.iter().take(at + 1);
        let places = forms.enumerate().filter(|(_, step)| {
            let form = step.form.as_ref();
            form.is_some_and(|form| page.has(form))
        });
        match places.map(|(place, _)| place).next_back() {
            Some(place) if place == at && why == Why::Refused => {
                return Turn::Asks { at, why };
            }
            Some(place) if place < at => {
                return Turn::Asks {
                    at: place,
                    why: Why::Expired,
                };
            }
            Some(_) | None => {}
        }
        let said = |detail: &str| Cause::new(Kind::SaidByPortal, detail);
        let cause = match judged {
            Outcome::Rejected { cause } | Outcome::Unavailable { cause, .. } => cause,
            Outcome::NotFound => said("the portal does not know the person"),
            Outcome::NotEligible => said("people of this category may not register by themselves"),
            Outcome::NeedsSponsor => said("a sponsor is needed"),
            Outcome::Registered { .. }
            | Outcome::NeedsConsent { .. }
            | Outcome::NeedsWizard
            | Outcome::Forbidden { .. }
            | Outcome::LockedOut
            | Outcome::Unsupported { .. }
            | Outcome::Unrecognised { .. } => {
                let step = &self.portal.profile.wizard[at];
                let title = page.title().unwrap_or_else(|| "no title".into());
                let status = answer.status.as_u16();
                let sha256 = hex(digest(&SHA256, &answer.body).as_ref());
                let detail = format!(
                    "\u{201c}{}\u{201d} wants {wanted}, and the portal shows \
                     \u{201c}{title}\u{201d} (status {status})",
                    step.title
                );
                Cause::new(Kind::OtherPage, detail).on_page(status, sha256)
            }
        };
        let sent = why == Why::Refused;
        Turn::Stopped { at, cause, sent }
    }
}

/// Who goes a leg, and how long it may take.
struct With {
    own: Own,
    identity: Identity,
    limits: Limits,
}

fn parsed(at: usize, answer: &Answer) -> Result<Page, Halt> {
    Page::parse(answer.content_type.as_deref(), &answer.body)
        .map_err(|_| halt(at, "the page is too complex to read"))
}

fn halt(at: usize, why: &str) -> Halt {
    Halt::Turn(Turn::Stopped {
        at,
        cause: Cause::new(Kind::OtherPage, why),
        sent: false,
    })
}

/// By what a sign-in would have come to there.
fn stopped(at: usize, outcome: Outcome, sent: bool) -> Halt {
    let cause = match outcome {
        Outcome::Forbidden { cause }
        | Outcome::Rejected { cause }
        | Outcome::Unavailable { cause, .. }
        | Outcome::Unsupported { cause }
        | Outcome::Unrecognised { cause } => cause,
        Outcome::NeedsConsent { notice } => return Halt::Turn(Turn::Notice { at, notice }),
        Outcome::LockedOut => return Halt::Turn(Turn::LockedOut { at }),
        Outcome::Registered { .. }
        | Outcome::NeedsWizard
        | Outcome::NotEligible
        | Outcome::NeedsSponsor
        | Outcome::NotFound => Cause::new(Kind::OtherPage, "the portal answered out of turn"),
    };
    Halt::Turn(Turn::Stopped { at, cause, sent })
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(LONGEST_CONFIRMATION));
    text
}
