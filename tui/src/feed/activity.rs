//! Follows what goes between readers and cards, while somebody looks.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cac_common::client::{Activity, Client, ClientError};
use tokio::sync::mpsc;

use super::{FIRST_ANSWER, FIRST_PAUSE, LONGEST_PAUSE};
use crate::app::{ActivityNews, Batch};
use crate::failure::Trouble;
use crate::update::Message;

/// What comes within this is told at once, so that nothing is drawn more often.
const GATHERED: Duration = Duration::from_millis(100);

/// Tells until it is stopped, nobody listens, or the daemon refuses.
pub async fn follow(socket: Arc<Path>, tell: mpsc::Sender<Message>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let mut came_through = false;
        let Some(error) = follow_once(&socket, &tell, &mut came_through).await else {
            return;
        };
        if came_through {
            pause = FIRST_PAUSE;
        }
        let is_refused = matches!(error, ClientError::Refused(_));
        let news = ActivityNews::Away(Trouble::from(&error));
        if tell.send(Message::Activity(news)).await.is_err() || is_refused {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = tell.closed() => return,
        }
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

/// Why one conversation ended; `None` if nobody listens any more.
async fn follow_once(
    socket: &Path,
    tell: &mpsc::Sender<Message>,
    came_through: &mut bool,
) -> Option<ClientError> {
    let start = async { Client::connect(socket).await?.activity().await };
    let mut activity = match tokio::time::timeout(FIRST_ANSWER, start).await {
        Ok(Ok(activity)) => activity,
        Ok(Err(error)) => return Some(error),
        Err(_) => return Some(ClientError::Silent),
    };
    *came_through = true;
    let mut news = ActivityNews::Listening;
    loop {
        if tell.send(Message::Activity(news)).await.is_err() {
            return None;
        }
        let (batch, error) = gather(&mut activity).await;
        if let Some(error) = error {
            if !batch.is_empty() {
                let news = ActivityNews::Told(batch);
                tell.send(Message::Activity(news)).await.ok()?;
            }
            return Some(error);
        }
        news = ActivityNews::Told(batch);
    }
}

/// Waits for something, and takes what comes soon after it along.
async fn gather(activity: &mut Activity) -> (Batch, Option<ClientError>) {
    let mut batch = Batch::default();
    match activity.next().await {
        Ok(reply) => batch.add(reply),
        Err(error) => return (batch, Some(error)),
    }
    let end = tokio::time::sleep(GATHERED);
    tokio::pin!(end);
    loop {
        tokio::select! {
            () = &mut end => return (batch, None),
            next = activity.next() => match next {
                Ok(reply) => batch.add(reply),
                Err(error) => return (batch, Some(error)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use cac_common::activity::{Apdu, Purpose};
    use cac_common::interface::{ActivityReply, Call, LONGEST_REQUEST, Reply, method};
    use cac_common::reader::ReaderName;
    use cac_common::wire::Connection;
    use tokio::net::UnixListener;

    use super::*;
    use crate::app::ActivityLine;

    const COUNT: u32 = 50;

    #[tokio::test]
    async fn what_comes_in_quick_succession_is_told_at_once_and_that_it_ended_too() {
        let folder = tempfile::tempdir().unwrap();
        let socket: Arc<Path> = folder.path().join("socket").into();
        let listener = UnixListener::bind(&socket).unwrap();
        let (tell, mut told) = mpsc::channel(64);
        let follower = tokio::spawn(follow(socket, tell));

        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = Connection::new(stream, LONGEST_REQUEST);
        let call = connection.receive().await.unwrap().unwrap();
        let call: Call = serde_json::from_slice(&call.bytes).unwrap();
        assert_eq!(call.method, method::MONITOR_ACTIVITY);
        for number in 0..=COUNT {
            let apdus = (1..=number).skip(number.saturating_sub(1) as usize);
            let reply = Reply {
                error: None,
                parameters: serde_json::to_value(ActivityReply {
                    apdus: apdus.map(apdu).collect(),
                    missed: 0,
                })
                .unwrap(),
                continues: true,
            };
            let bytes = serde_json::to_vec(&reply).unwrap();
            connection.send(&bytes, &[]).await.unwrap();
        }
        drop(connection);

        let mut line = ActivityLine::default();
        let mut messages = 0;
        while line.trouble.is_none() {
            let Some(Message::Activity(news)) = told.recv().await else {
                panic!("the follower has ended");
            };
            messages += 1;
            line.take(news);
        }
        assert_eq!(line.count, u64::from(COUNT));
        assert_eq!(line.last.map(|apdu| apdu.number), Some(COUNT));
        assert!(messages < COUNT, "{messages}");
        drop(told);
        follower.await.unwrap();
    }

    fn apdu(number: u32) -> Apdu {
        Apdu {
            reader: ReaderName("SCR3310 [CCID] 00 00".into()),
            purpose: Purpose::Read,
            number,
            instruction: "GET DATA".into(),
            sent: Some(12),
            received: 256,
            status: Some("9000".into()),
            milliseconds: 21,
        }
    }
}
