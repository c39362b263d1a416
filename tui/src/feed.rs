//! Follows the daemon's state, and comes back by itself when the daemon was away.

pub mod activity;

use std::path::{Path, PathBuf};
use std::time::Duration;

use cac_common::client::{Client, ClientError};
use cac_common::snapshot::Snapshot;
use tokio::sync::mpsc;

/// A daemon that answers at all sends its first snapshot within this.
const FIRST_ANSWER: Duration = Duration::from_secs(10);

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub enum News {
    Snapshot(Box<Snapshot>),
    /// The daemon cannot be reached; told once for each cause.
    Away(ClientError),
}

/// Sends news until nobody takes them.
pub async fn follow(socket: PathBuf, news: mpsc::Sender<News>) {
    let mut pause = FIRST_PAUSE;
    let mut told = None;
    loop {
        let mut came_through = false;
        let Some(error) = follow_once(&socket, &news, &mut came_through).await else {
            return;
        };
        if came_through {
            pause = FIRST_PAUSE;
            told = None;
        }
        let cause = error.to_string();
        if told.as_ref() != Some(&cause) {
            told = Some(cause);
            if news.send(News::Away(error)).await.is_err() {
                return;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = news.closed() => return,
        }
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

/// Why one conversation ended; `None` if nobody takes the news any more.
async fn follow_once(
    socket: &Path,
    news: &mpsc::Sender<News>,
    came_through: &mut bool,
) -> Option<ClientError> {
    let start = async {
        let mut monitor = Client::connect(socket).await?.monitor().await?;
        let first = monitor.next().await?;
        Ok((monitor, first))
    };
    let started = tokio::time::timeout(FIRST_ANSWER, start).await;
    let (mut monitor, mut snapshot) = match started {
        Ok(Ok(started)) => started,
        Ok(Err(error)) => return Some(error),
        Err(_) => return Some(ClientError::Silent),
    };
    *came_through = true;
    loop {
        if news.send(News::Snapshot(Box::new(snapshot))).await.is_err() {
            return None;
        }
        tokio::select! {
            next = monitor.next() => match next {
                Ok(next) => snapshot = next,
                Err(error) => return Some(error),
            },
            () = news.closed() => return None,
        }
    }
}
