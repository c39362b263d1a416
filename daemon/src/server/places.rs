//! How many connections there may be.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};

/// Connections at one time, of everyone and of one user.
const MOST_CONNECTIONS: usize = 512;
pub(super) const MOST_OF_ONE_USER: usize = 64;

/// Connections there are now, by user.
pub(super) type Open = Arc<Mutex<HashMap<u32, Count>>>;

#[derive(Debug, Default)]
pub(super) struct Count {
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
    #[error("too many connections of uid {uid}, or of everyone")]
    TooMany { uid: u32, is_news: bool },
}

impl NotAdmitted {
    pub(super) fn log(&self) {
        match self {
            Self::TooMany { is_news: false, .. } => {
                tracing::debug!(why = %self, "connection was turned away");
            }
            Self::TooMany { is_news: true, .. } | Self::Nameless(_) => {
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
        let all: usize = counts.values().map(|count| count.open).sum();
        let own = counts.entry(uid).or_default();
        // Root gets in even when others have taken every place.
        let is_full = if uid == 0 {
            own.open >= MOST_CONNECTIONS
        } else {
            all >= MOST_CONNECTIONS || own.open >= MOST_OF_ONE_USER
        };
        if is_full {
            let is_news = !std::mem::replace(&mut own.is_told, true);
            return Err(NotAdmitted::TooMany { uid, is_news });
        }
        own.open += 1;
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
        if let Some(count) = counts.get_mut(&self.uid) {
            count.open -= 1;
            if count.open == 0 {
                counts.remove(&self.uid);
            }
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
        assert!(open.lock().unwrap().is_empty());
    }

    fn is_news(open: &Open) -> bool {
        match Place::take(open, UID) {
            Err(NotAdmitted::TooMany { is_news, .. }) => is_news,
            Err(NotAdmitted::Nameless(_)) | Ok(_) => panic!("there is room"),
        }
    }
}
