//! Asks the daemon for one thing on a connection of its own, and turns the
//! answer into a message for the dashboard.

use std::path::Path;

use cac_common::client::{Client, ClientError};
use cac_common::interface::{
    AcceptNotice, AnswerWizard, Clear, GetConfirmation, GetHistory, MoveWizard, Refusal, Register,
    StartWizard, SubmitPin, TestPortal,
};
use cac_common::locked::Locked;
use cac_common::time::UtcSeconds;

use crate::failure::Trouble;
use crate::paper::{self, Existing};
use crate::update::Message;

/// The first `count` bytes of `digits` are the PIN; they are wiped in here.
pub async fn submit_pin(
    socket: &Path,
    request: SubmitPin,
    digits: Locked,
    count: usize,
) -> Message {
    let answer = async {
        let mut client = Client::connect(socket).await?;
        client.submit_pin(request, digits, count).await
    };
    Message::PinTaken(in_words(answer.await))
}

pub async fn register(socket: &Path, request: Register) -> Message {
    let answer = async { Client::connect(socket).await?.register(&request).await };
    Message::Asked(in_words(answer.await))
}

pub async fn accept(socket: &Path, request: AcceptNotice) -> Message {
    let answer = async { Client::connect(socket).await?.accept_notice(&request).await };
    Message::Accepted(in_words(answer.await))
}

pub async fn history(socket: &Path, request: GetHistory) -> Message {
    let answer = async {
        Client::connect(socket)
            .await?
            .search_history(&request)
            .await
    };
    let reply = in_words(answer.await);
    Message::Page { request, reply }
}

pub async fn clear(socket: &Path, request: Clear) -> Message {
    let answer = async { Client::connect(socket).await?.clear(&request).await };
    let lost = in_words(answer.await);
    let Clear { scope, dry_run } = request;
    if dry_run {
        Message::Counted { scope, lost }
    } else {
        Message::Cleared { scope, lost }
    }
}

/// Ends `first`, which is done, before it begins.
pub async fn begin_wizard(
    socket: &Path,
    first: Option<MoveWizard>,
    request: StartWizard,
) -> Message {
    let answer = async {
        let mut client = Client::connect(socket).await?;
        if let Some(first) = first {
            client.move_wizard(&first).await?;
        }
        client.start_wizard(&request).await
    };
    Message::Begun(in_words(answer.await))
}

/// As with a PIN, where there is a secret.
pub async fn answer_wizard(
    socket: &Path,
    request: AnswerWizard,
    secret: Option<(Locked, usize)>,
) -> Message {
    let answer = async {
        let mut client = Client::connect(socket).await?;
        client.answer_wizard(request, secret).await
    };
    Message::Sent(in_words(answer.await))
}

pub async fn move_wizard(socket: &Path, request: MoveWizard) -> Message {
    let answer = async { Client::connect(socket).await?.move_wizard(&request).await };
    Message::Sent(in_words(answer.await))
}

pub async fn confirmation(socket: &Path, request: GetConfirmation) -> Message {
    let answer = async { Client::connect(socket).await?.confirmation(&request).await };
    Message::Kept(in_words(answer.await).map(|kept| kept.map(Box::new)))
}

pub async fn profile(socket: &Path, name: &str) -> Message {
    let answer = async { Client::connect(socket).await?.portal(name).await };
    Message::Profile {
        of: name.to_owned(),
        profile: in_words(answer.await).map(Box::new),
    }
}

/// As with a PIN. `since` goes back with the answer.
pub async fn test_portal(
    socket: &Path,
    request: TestPortal,
    since: UtcSeconds,
    (digits, count): (Locked, usize),
) -> Message {
    let portal = request.portal.clone();
    let answer = async {
        let mut client = Client::connect(socket).await?;
        client.test_portal(request, digits, count).await
    };
    let reply = match answer.await {
        Err(ClientError::Refused(Refusal::NoSuchCard)) => Err(Trouble {
            what: "The card was taken out".into(),
            advice: Some(
                "That ended the test. What the portal saw of it is not known; nothing was written down here. Put it in again to try once more.",
            ),
        }),
        answer => in_words(answer),
    };
    Message::Tested {
        portal,
        since,
        reply: reply.map(Box::new),
    }
}

/// Writes over nothing that is there.
pub async fn save(file: String, contents: String) -> Message {
    let home = std::env::home_dir();
    let path = paper::path(&file, home.as_deref());
    let to = path.clone();
    let saved = tokio::task::spawn_blocking(move || paper::save(&contents, &to, Existing::Keep));
    Message::Saved(match saved.await {
        Ok(Ok(())) => Ok(path),
        Ok(Err(failure)) => Err(Trouble::from(&failure)),
        Err(error) => Err(unfinished(&error)),
    })
}

pub async fn print(text: String) -> Message {
    let printed = tokio::task::spawn_blocking(move || paper::print(&text)).await;
    Message::Printed(match printed {
        Ok(Ok(said)) => Ok(said),
        Ok(Err(failure)) => Err(Trouble::from(&failure)),
        Err(error) => Err(unfinished(&error)),
    })
}

/// The thread that was to do it has ended.
fn unfinished(error: &tokio::task::JoinError) -> Trouble {
    Trouble {
        what: error.to_string(),
        advice: None,
    }
}

fn in_words<T>(answer: Result<T, ClientError>) -> Result<T, Trouble> {
    answer.map_err(|error| Trouble::from(&error))
}
