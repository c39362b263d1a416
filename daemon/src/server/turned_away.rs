//! Connections that are turned away: each is told at once, and closed.
//!
//! What a peer sent into one may hold descriptors, whose last `close` waits for
//! as long as the peer likes, in whichever thread it happens. One into which
//! nothing was sent is closed on the spot. The others wait for a thread: so many
//! threads there are, and so many of them for one user. And so many of those
//! connections there are: beyond that nobody new is let in until one is closed,
//! which leaves descriptors for everything else that the daemon does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

use cac_common::wire;
use rustix::io::ioctl_fionread;
use rustix::net::{Shutdown, shutdown};
use tokio::net::UnixStream;
use tokio::sync::Semaphore;

/// Threads that close, of all and of one user.
pub(super) const MOST_THREADS: usize = 32;
const MOST_THREADS_OF_ONE_USER: usize = 8;

/// Connections that wait for that or are being closed, each with its descriptor:
/// half of what the unit's `LimitNOFILE=` gives.
const MOST_WAITING: usize = 8192;

pub(super) struct TurnedAway {
    threads: Arc<Semaphore>,
    /// Those of a user, while any of them waits.
    of_users: Mutex<HashMap<u32, Weak<Semaphore>>>,
    waiting: Arc<Semaphore>,
}

impl Default for TurnedAway {
    fn default() -> Self {
        Self::with_room_for(MOST_WAITING)
    }
}

impl TurnedAway {
    fn with_room_for(most: usize) -> Self {
        Self {
            threads: Arc::new(Semaphore::new(MOST_THREADS)),
            of_users: Mutex::default(),
            waiting: Arc::new(Semaphore::new(most)),
        }
    }

    /// Holds up whoever comes next only where there is no room. `uid`: whose it
    /// is, if that is known.
    pub(super) async fn close(&self, stream: UnixStream, uid: Option<u32>) {
        // It fails only where the peer ended it first. After it nothing more comes.
        let _ = shutdown(&stream, Shutdown::Both);
        if ioctl_fionread(&stream).is_ok_and(|sent| sent == 0) {
            return;
        }
        let Ok(waits) = Arc::clone(&self.waiting).acquire_owned().await else {
            return;
        };
        let threads = Arc::clone(&self.threads);
        let own = uid.map(|uid| self.threads_of(uid));
        tokio::spawn(async move {
            let _own = match &own {
                Some(own) => own.acquire().await.ok(),
                None => None,
            };
            let _thread = threads.acquire().await.ok();
            wire::close(stream).await;
            drop(waits);
        });
    }

    fn threads_of(&self, uid: u32) -> Arc<Semaphore> {
        let mut of_users = self.of_users.lock().expect("nobody panics holding this");
        if let Some(own) = of_users.get(&uid).and_then(Weak::upgrade) {
            return own;
        }
        of_users.retain(|_, own| own.strong_count() > 0);
        let own = Arc::new(Semaphore::new(MOST_THREADS_OF_ONE_USER));
        of_users.insert(uid, Arc::downgrade(&own));
        own
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const UID: u32 = 1000;

    #[tokio::test]
    async fn what_nothing_was_sent_into_is_closed_on_the_spot() {
        let turned_away = TurnedAway::with_room_for(0);
        let (mut peer, stream) = UnixStream::pair().unwrap();

        turned_away.close(stream, Some(UID)).await;

        assert_eq!(peer.read(&mut [0]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn where_too_many_wait_the_next_waits_for_one_that_is_closed() {
        let turned_away = TurnedAway::with_room_for(1);
        let busy = turned_away.threads.acquire_many(32).await.unwrap();
        let (mut first, mut second) = (with_something().await, with_something().await);

        turned_away.close(first.1, Some(UID)).await;
        let mut next = pin!(turned_away.close(second.1, Some(UID + 1)));
        let waits = poll_fn(|context| Poll::Ready(next.as_mut().poll(context).is_pending())).await;

        assert!(waits);
        // Both peers were told before that.
        for peer in [&mut first.0, &mut second.0] {
            assert!(peer.write_all(b"more").await.is_err());
        }
        drop(busy);
        next.await;
    }

    #[tokio::test]
    async fn each_user_has_so_many_threads_and_nobody_is_remembered_whose_are_closed() {
        let turned_away = TurnedAway::default();
        let busy = turned_away.threads_of(UID);

        assert_eq!(busy.available_permits(), MOST_THREADS_OF_ONE_USER);
        assert!(Arc::ptr_eq(&busy, &turned_away.threads_of(UID)));
        drop(busy);
        drop(turned_away.threads_of(UID + 1));
        drop(turned_away.threads_of(UID + 2));

        assert_eq!(turned_away.of_users.lock().unwrap().len(), 1);
    }

    async fn with_something() -> (UnixStream, UnixStream) {
        let (mut peer, stream) = UnixStream::pair().unwrap();
        peer.write_all(b"x").await.unwrap();
        (peer, stream)
    }
}
