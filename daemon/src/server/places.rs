//! How many connections there may be.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};

/// Connections at one time, of everyone and of one user.
const MOST_CONNECTIONS: usize = 512;
pub(super) const MOST_OF_ONE_USER: usize = 64;

/// Connections there are now.
pub(super) type Open = Arc<Mutex<Counts>>;

#[derive(Debug, Default)]
pub(super) struct Counts {
    of_users: HashMap<u32, Count>,
    /// One was turned away since there was room for everyone.
    is_told: bool,
}

#[derive(Debug, Default)]
struct Count {
    open: usize,
    /// One was turned away since there were none.
    is_told: bool,
}

/// Why a connection is not served.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotAdmitted {
    #[error("peer is not known: {0}")]
    Nameless(io::Error),
    /// Anyone can be turned away as often as they like: it is news once.
    #[error("too many connections of uid {uid}")]
    TooMany { uid: u32, is_news: bool },
    #[error("too many connections of everyone")]
    Full { is_news: bool },
}

impl NotAdmitted {
    pub(super) fn log(&self) {
        match self {
            Self::TooMany { is_news: false, .. } | Self::Full { is_news: false } => {
                tracing::debug!(why = %self, "connection was turned away");
            }
            Self::TooMany { is_news: true, .. }
            | Self::Full { is_news: true }
            | Self::Nameless(_) => {
                tracing::warn!(why = %self, "connection was turned away");
            }
        }
    }
}

/// Counts one connection for as long as it lives.
pub(super) struct Place {
    open: Open,
    uid: u32,
}

impl Place {
    pub(super) fn take(open: &Open, uid: u32) -> Result<Self, NotAdmitted> {
        let mut counts = open.lock().expect("nobody panics holding this");
        let all: usize = counts.of_users.values().map(|count| count.open).sum();
        let own = counts.of_users.get(&uid).map_or(0, |count| count.open);
        // Root gets in even when others have taken every place.
        let most = if uid == 0 {
            MOST_CONNECTIONS
        } else {
            MOST_OF_ONE_USER
        };
        if own >= most {
            let own = counts.of_users.entry(uid).or_default();
            let is_news = !std::mem::replace(&mut own.is_told, true);
            return Err(NotAdmitted::TooMany { uid, is_news });
        }
        if uid != 0 && all >= MOST_CONNECTIONS {
            let is_news = !std::mem::replace(&mut counts.is_told, true);
            return Err(NotAdmitted::Full { is_news });
        }
        counts.of_users.entry(uid).or_default().open += 1;
        drop(counts);
        Ok(Self {
            open: Arc::clone(open),
            uid,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.open.lock().expect("nobody panics holding this");
        if let Some(count) = counts.of_users.get_mut(&self.uid) {
            count.open -= 1;
            if count.open == 0 {
                counts.of_users.remove(&self.uid);
            }
        }
        // With a place to spare, so that whoever takes each that comes free is no news.
        let all: usize = counts.of_users.values().map(|count| count.open).sum();
        if all < MOST_CONNECTIONS / 2 {
            counts.is_told = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UID: u32 = 1000;

    #[test]
    fn who_is_turned_away_again_and_again_is_told_of_once() {
        let open = Open::default();
        let held: Vec<Place> = (0..MOST_OF_ONE_USER)
            .map(|_| Place::take(&open, UID).unwrap())
            .collect();

        let news = [(); 3].map(|()| is_news(&open));

        assert_eq!(news, [true, false, false]);
        assert!(Place::take(&open, UID + 1).is_ok());
        drop(held);
        let held: Vec<Place> = (0..MOST_OF_ONE_USER)
            .map(|_| Place::take(&open, UID).unwrap())
            .collect();
        assert!(is_news(&open), "after all have gone");
        drop(held);
        assert!(open.lock().unwrap().of_users.is_empty());
    }

    #[test]
    fn where_all_is_taken_nobody_is_remembered_who_only_knocked() {
        let open = Open::default();
        let users = MOST_CONNECTIONS / MOST_OF_ONE_USER;
        let held: Vec<Place> = (0..MOST_CONNECTIONS)
            .map(|at| Place::take(&open, UID + u32::try_from(at % users).unwrap()).unwrap())
            .collect();

        let mut news = Vec::new();
        for uid in 2000..2010 {
            match Place::take(&open, uid) {
                Err(NotAdmitted::Full { is_news }) => news.push(is_news),
                Err(NotAdmitted::TooMany { .. } | NotAdmitted::Nameless(_)) | Ok(_) => {
                    panic!("there is room for {uid}")
                }
            }
        }

        assert!(news[0] && !news[1..].contains(&true), "{news:?}");
        assert!(Place::take(&open, 0).is_ok(), "root");
        assert_eq!(open.lock().unwrap().of_users.len(), users);
        drop(held);
        assert!(open.lock().unwrap().of_users.is_empty());
    }

    fn is_news(open: &Open) -> bool {
        match Place::take(open, UID) {
            Err(NotAdmitted::TooMany { is_news, .. }) => is_news,
            Err(NotAdmitted::Full { .. } | NotAdmitted::Nameless(_)) | Ok(_) => {
                panic!("there is room")
            }
        }
    }
}
