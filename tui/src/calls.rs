//! Asks the daemon for one thing on a connection of its own, and turns the
//! answer into a message for the dashboard.

use std::path::Path;

use cac_common::client::{Client, ClientError};
use cac_common::interface::{AcceptNotice, Clear, GetHistory, Register, SubmitPin};
use cac_common::locked::Locked;

use crate::failure::Trouble;
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
    let answer = async { Client::connect(socket).await?.history(&request).await };
    Message::Page {
        before: request.before,
        entries: in_words(answer.await),
    }
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

fn in_words<T>(answer: Result<T, ClientError>) -> Result<T, Trouble> {
    answer.map_err(|error| Trouble::from(&error))
}
