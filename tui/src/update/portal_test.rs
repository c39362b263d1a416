//! What keys and answers do while a sign-in is tried.

#[cfg(test)]
mod tests;

use cac_common::interface::{TestPortal, TestReply};
use cac_common::time::UtcSeconds;

use super::moving::moved;
use super::{Action, Stroke, edit, said_of, say};
use crate::app::{App, PinPrompt, PinStep, PinUse, PortalTestDialog, Said, Screen, TestStep, Told};
use crate::failure::Trouble;
use crate::keys::Move;
use crate::phrase::{self, Tone};
use crate::possible::{testable, usable};
use crate::{confirmation, print};

/// With the card that is chosen, at the portal that is picked.
pub(super) fn open(app: &mut App) {
    if let Err(why) = offer(app, app.picked_portal()) {
        say(app, Tone::Wanted, &why);
    }
}

fn offer(app: &mut App, portal: Option<String>) -> Result<(), String> {
    let (card, held, portal) = testable(app, portal)?;
    let dialog = PortalTestDialog {
        card,
        visit: held.visit,
        portal,
        step: TestStep::Offering,
        said: None,
    };
    app.picked = app.chosen().map(|chosen| chosen.pick());
    app.screen = Screen::PortalTest(dialog);
    Ok(())
}

fn dialog_mut(app: &mut App) -> Option<&mut PortalTestDialog> {
    if let Screen::PortalTest(dialog) = &mut app.screen {
        Some(dialog)
    } else {
        None
    }
}

fn told_mut(app: &mut App) -> Option<&mut Told> {
    if let TestStep::Told(told) = &mut dialog_mut(app)?.step {
        Some(told)
    } else {
        None
    }
}

/// Asks for the PIN, has the report saved, or offers to try once more.
pub(super) fn enter(app: &mut App) -> Option<Action> {
    let dialog = dialog_mut(app)?;
    match &dialog.step {
        TestStep::Offering => {
            ask_pin(app);
            None
        }
        TestStep::Waiting { .. } => None,
        TestStep::Told(told) if told.file.is_some() => save(app),
        TestStep::Told(_) | TestStep::Failed(_) => {
            let portal = dialog.portal.clone();
            if let Err(why) = offer(app, Some(portal)) {
                tell(app, why);
            }
            None
        }
    }
}

fn ask_pin(app: &mut App) {
    if let Err(why) = usable(app) {
        return tell(app, why);
    }
    let Some(dialog) = dialog_mut(app) else {
        return;
    };
    let prompt = PinPrompt {
        card: dialog.card.clone(),
        visit: dialog.visit,
        to: PinUse::Test {
            portal: dialog.portal.clone(),
        },
        digits: 0,
        step: PinStep::Typing,
        problem: None,
    };
    if app.card_in_visit(&prompt.card, prompt.visit).is_some() {
        app.screen = Screen::PinPrompt(prompt);
    } else {
        tell(
            app,
            "Another card is there now: close this with Esc.".into(),
        );
    }
}

fn tell(app: &mut App, text: String) {
    let said = Some(Said {
        tone: Tone::Wanted,
        text,
    });
    if let Some(dialog) = dialog_mut(app) {
        dialog.said = said;
    }
}

/// The PIN was typed.
pub(super) fn begin(
    app: &mut App,
    prompt: PinPrompt,
    portal: String,
    even_the_last_try: bool,
) -> Action {
    let since = app.now;
    let request = TestPortal {
        portal: portal.clone(),
        card: prompt.card.clone(),
        visit: prompt.visit,
        even_the_last_try,
        with_page: false,
    };
    app.screen = Screen::PortalTest(PortalTestDialog {
        card: prompt.card,
        visit: prompt.visit,
        portal,
        step: TestStep::Waiting { since },
        said: None,
    });
    Action::TestPortal { request, since }
}

/// The answer to the test that began at `began`.
pub(super) fn tested(
    app: &mut App,
    portal: &str,
    began: UtcSeconds,
    reply: Result<Box<TestReply>, Trouble>,
) {
    let at = app.now;
    if let Some(dialog) = dialog_mut(app)
        && dialog.portal == portal
        && dialog.step == (TestStep::Waiting { since: began })
    {
        dialog.step = match reply {
            Ok(reply) => TestStep::Told(Box::new(Told {
                reply: *reply,
                at,
                scroll: 0,
                file: None,
            })),
            Err(trouble) => TestStep::Failed(trouble),
        };
        return;
    }
    // It was left; what came of it is told all the same.
    let title = app.portal(portal).map_or(portal, |it| &it.title).to_owned();
    let said = match reply {
        Ok(reply) => Said {
            tone: phrase::tone(&reply.outcome),
            text: format!(
                "The test of {title} has ended: {}. Nothing was written down.",
                reply.outcome.label()
            ),
        },
        Err(trouble) => {
            let Said { tone, text } = said_of(&trouble);
            Said {
                tone,
                text: format!("The test of {title}: {text}"),
            }
        }
    };
    app.said = Some(said);
}

pub(super) fn typed(app: &mut App, stroke: Stroke) {
    if let Some(file) = told_mut(app).and_then(|told| told.file.as_mut()) {
        edit(file, stroke);
    }
}

pub(super) fn ask_file(app: &mut App) {
    let Some(dialog) = dialog_mut(app) else {
        return;
    };
    if let TestStep::Told(told) = &mut dialog.step {
        told.file = Some(confirmation::test_name(&dialog.portal));
        dialog.said = None;
    }
}

fn save(app: &mut App) -> Option<Action> {
    let zone = app.zone.clone();
    let dialog = dialog_mut(app)?;
    let TestStep::Told(told) = &dialog.step else {
        return None;
    };
    let file = told.file.as_deref().unwrap_or_default().trim().to_owned();
    if file.is_empty() {
        dialog.said = Some(Said {
            tone: Tone::Bad,
            text: "Type the name of a file.".into(),
        });
        return None;
    }
    let contents = print::report::sign_in(&dialog.portal, &told.reply, told.at, &zone);
    Some(Action::Save { file, contents })
}

/// The file is there.
pub(super) fn saved(dialog: &mut PortalTestDialog) {
    if let TestStep::Told(told) = &mut dialog.step {
        told.file = None;
    }
}

/// One step back; a test that runs is left to itself.
pub(super) fn back(app: &mut App) {
    if let Some(dialog) = dialog_mut(app) {
        dialog.said = None;
    }
    if told_mut(app).is_some_and(|told| told.file.take().is_some()) {
        return;
    }
    let leaves = dialog_mut(app).is_some_and(|it| matches!(it.step, TestStep::Waiting { .. }));
    app.screen = Screen::Panes;
    if leaves {
        let text = "The test goes on by itself; what comes of it is told here.";
        say(app, Tone::Working, text);
    }
}

pub(super) fn scroll(app: &mut App, to: Move, room: u16) {
    if let Some(told) = told_mut(app) {
        let at = moved(to, usize::from(told.scroll), usize::from(room));
        told.scroll = u16::try_from(at).unwrap_or(u16::MAX);
    }
}
