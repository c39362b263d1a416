//! Registering by hand at the stand-in: a user name and the password `open
//! sesame`, then the PIN 123456, then something to do elsewhere.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cac_common::interface::{
    AnswerWizard, Call, ConfirmationReply, GetConfirmation, MoveWizard, Refusal, StartWizard,
    method,
};
use cac_common::snapshot::{Card, Visit};
use cac_common::wire::Message;
use cac_common::wizard::{Ask, AskKind, Move, WizardState};
use serde_json::Value;

use super::{Desk, parameters};
use crate::invented;

pub(super) fn answer(desk: &Arc<Desk>, call: &Call, message: Message) -> Result<Value, Refusal> {
    match call.method.as_str() {
        method::START_WIZARD => start(desk, &parameters(call)?)?,
        method::ANSWER_WIZARD => typed(desk, &parameters(call)?, message)?,
        method::MOVE_WIZARD => moved(desk, &parameters(call)?)?,
        _ => {
            let request: GetConfirmation = parameters(call)?;
            if desk.takes_out.load(Ordering::Relaxed) {
                desk.change(|snapshot| snapshot.readers.iter_mut().for_each(|it| it.card = None));
            }
            let kept = (request.portal == "ako").then(invented::confirmation);
            let reply = ConfirmationReply { confirmation: kept };
            return Ok(serde_json::to_value(reply).unwrap());
        }
    }
    Ok(Value::Object(serde_json::Map::new()))
}

/// Changes the card in this visit.
fn with<T>(
    desk: &Desk,
    visit: Visit,
    change: impl FnOnce(&mut Card) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let mut answer = Err(Refusal::NoSuchCard);
    desk.change(|snapshot| {
        let mut cards = snapshot.readers.iter_mut();
        let card = cards.find_map(|reader| reader.card.as_mut().filter(|card| card.visit == visit));
        if let Some(card) = card {
            answer = change(card);
        }
    });
    answer
}

fn start(desk: &Desk, request: &StartWizard) -> Result<(), Refusal> {
    with(desk, request.visit, |card| {
        if request.portal == "records" {
            return Err(Refusal::NoSteps);
        }
        if card.wizard.is_some() {
            return Err(Refusal::WizardRuns);
        }
        card.wizard = Some(invented::wizard(&request.portal, signing_in()));
        Ok(())
    })
}

fn signing_in() -> WizardState {
    asking(&[
        ("User name", AskKind::Text),
        ("Password", AskKind::Password),
    ])
}

fn asking(asks: &[(&str, AskKind)]) -> WizardState {
    let ask = |(label, kind): &(&str, AskKind)| Ask {
        label: (*label).into(),
        kind: *kind,
        is_answered: false,
    };
    WizardState::Asking {
        asks: asks.iter().map(ask).collect(),
    }
}

fn typed(desk: &Arc<Desk>, request: &AnswerWizard, message: Message) -> Result<(), Refusal> {
    let typed = match &request.value {
        Some(value) => value.clone().into_bytes(),
        None => desk.secret(message)?,
    };
    let is_all = with(desk, request.visit, |card| {
        let wizard = card.wizard.as_mut().ok_or(Refusal::NotAsked)?;
        let WizardState::Asking { asks } = &mut wizard.state else {
            return Err(Refusal::NotAsked);
        };
        if wizard.turn != request.turn {
            return Err(Refusal::NotAsked);
        }
        let place = usize::try_from(request.ask).unwrap_or(usize::MAX);
        let ask = asks.get_mut(place).ok_or(Refusal::NotAsked)?;
        ask.is_answered = true;
        let is_all = asks.iter().all(|ask| ask.is_answered);
        if is_all {
            wizard.state = WizardState::Working;
            wizard.turn += 1;
        }
        Ok(is_all)
    })?;
    if is_all {
        let (desk, visit) = (desk.clone(), request.visit);
        tokio::spawn(async move {
            // As long as a portal takes.
            tokio::time::sleep(Duration::from_millis(700)).await;
            let _ = with(&desk, visit, |card| {
                judge(card, &typed);
                Ok(())
            });
        });
    }
    Ok(())
}

fn judge(card: &mut Card, typed: &[u8]) {
    let Some(wizard) = &mut card.wizard else {
        return;
    };
    wizard.turn += 1;
    wizard.problem = None;
    (wizard.at, wizard.state) = match (wizard.at, typed) {
        (1, b"open sesame") => (4, asking(&[("PIN", AskKind::Pin)])),
        (1, _) => {
            wizard.problem = Some("The portal does not take this password.".into());
            wizard.caution = Some("It locks the account for 15 minutes after 3 wrong ones.".into());
            (1, signing_in())
        }
        (4, b"123456") => (5, WizardState::Telling),
        (at, _) => (
            at,
            WizardState::Stopped {
                cause: "the card refused the PIN".into(),
            },
        ),
    };
}

fn moved(desk: &Desk, request: &MoveWizard) -> Result<(), Refusal> {
    with(desk, request.visit, |card| {
        let wizard = card.wizard.as_mut().ok_or(Refusal::NotAsked)?;
        if wizard.turn != request.turn {
            return Err(Refusal::NotAsked);
        }
        wizard.turn += 1;
        match (request.to, &wizard.state) {
            (Move::Stop, _) => card.wizard = None,
            (Move::On, WizardState::Telling) => {
                wizard.at = 7;
                wizard.state = WizardState::Done {
                    is_registered: true,
                    has_confirmation: true,
                };
            }
            (Move::Back, WizardState::Asking { .. } | WizardState::Stopped { .. }) => {
                wizard.at = 1;
                wizard.state = signing_in();
            }
            (Move::Again, WizardState::Stopped { .. }) => {
                wizard.state = asking(&[("PIN", AskKind::Pin)]);
            }
            _ => return Err(Refusal::NotAsked),
        }
        Ok(())
    })
}
