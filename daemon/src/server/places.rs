//! How many connections there may be.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::journal::Message;

/// Connections at one time, of everyone and of one user.
const MOST_CONNECTIONS: usize = 512;
pub(super) const MOST_OF_ONE_USER: usize = 64;

/// Of those, how many are for administrators where all others are taken.
const FOR_ADMINISTRATORS: usize = 64;

/// What is there for whoever comes first.
pub(super) const FOR_EVERYONE: usize = MOST_CONNECTIONS - FOR_ADMINISTRATORS;

/// Whether somebody is one is asked of the user database, which may take its
/// time: of one user so often at a time.
const MOST_ASKED_OF_ONE_USER: usize = 2;

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
    /// Of those, how many are there only if the user is an administrator.
    asked: usize,
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
    Full { uid: u32, is_news: bool },
}

impl NotAdmitted {
    /// Whose it is, if that is known.
    pub(super) fn uid(&self) -> Option<u32> {
        match *self {
            Self::TooMany { uid, .. } | Self::Full { uid, .. } => Some(uid),
            Self::Nameless(_) => None,
        }
    }

    pub(super) fn log(&self) {
        let uid = self.uid();
        let is_news = match *self {
            Self::TooMany { is_news, .. } | Self::Full { is_news, .. } => is_news,
            Self::Nameless(_) => true,
        };
        if is_news {
            tracing::warn!(
                message_id = Message::ConnectionTurnedAway.id(),
                uid,
                why = %self,
                "connection was turned away"
            );
        } else {
            tracing::debug!(uid, why = %self, "connection was turned away");
        }
    }
}

/// Counts one connection for as long as it lives.
#[derive(Debug)]
pub(super) struct Place {
    open: Open,
    uid: u32,
    /// It is one of those for administrators.
    is_asked: bool,
}

impl Place {
    pub(super) fn take(open: &Open, uid: u32) -> Result<Self, NotAdmitted> {
        let mut counts = lock(open);
        let all = counts.all();
        let own = counts.of_users.get(&uid);
        let (own, asked) = own.map_or((0, 0), |own| (own.open, own.asked));
        // Root gets in even when others have taken every place.
        let most = if uid == 0 {
            MOST_CONNECTIONS
        } else {
            MOST_OF_ONE_USER
        };
        if own >= most {
            return Err(counts.too_many(uid));
        }
        let is_asked = uid != 0 && all >= FOR_EVERYONE;
        if is_asked && (all >= MOST_CONNECTIONS || asked >= MOST_ASKED_OF_ONE_USER) {
            return Err(counts.full(uid));
        }
        let own = counts.of_users.entry(uid).or_default();
        own.open += 1;
        own.asked += usize::from(is_asked);
        drop(counts);
        Ok(Self {
            open: Arc::clone(open),
            uid,
            is_asked,
        })
    }

    /// Once it is known whether the user is an administrator: those places that
    /// are for them are for nobody else.
    pub(super) fn keep(mut self, is_administrator: bool) -> Result<Self, NotAdmitted> {
        if !self.is_asked {
            return Ok(self);
        }
        let mut counts = lock(&self.open);
        if !is_administrator {
            return Err(counts.full(self.uid));
        }
        if let Some(own) = counts.of_users.get_mut(&self.uid) {
            own.asked -= 1;
        }
        drop(counts);
        self.is_asked = false;
        Ok(self)
    }
}

impl Counts {
    fn all(&self) -> usize {
        self.of_users.values().map(|count| count.open).sum()
    }

    fn too_many(&mut self, uid: u32) -> NotAdmitted {
        let own = self.of_users.entry(uid).or_default();
        let is_news = !std::mem::replace(&mut own.is_told, true);
        NotAdmitted::TooMany { uid, is_news }
    }

    fn full(&mut self, uid: u32) -> NotAdmitted {
        let is_news = !std::mem::replace(&mut self.is_told, true);
        NotAdmitted::Full { uid, is_news }
    }
}

fn lock(open: &Open) -> MutexGuard<'_, Counts> {
    open.lock().expect("nobody panics holding this")
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = lock(&self.open);
        if let Some(count) = counts.of_users.get_mut(&self.uid) {
            count.open -= 1;
            count.asked -= usize::from(self.is_asked);
            if count.open == 0 {
                counts.of_users.remove(&self.uid);
            }
        }
        // With a place to spare, so that whoever takes each that comes free is no news.
        if counts.all() < MOST_CONNECTIONS / 2 {
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
        let held = taken(&open, UID, MOST_OF_ONE_USER);

        let news = [(); 3].map(|()| is_news(&Place::take(&open, UID)));

        assert_eq!(news, [true, false, false]);
        assert!(Place::take(&open, UID + 1).is_ok());
        drop(held);
        let held = taken(&open, UID, MOST_OF_ONE_USER);
        assert!(is_news(&Place::take(&open, UID)), "after all have gone");
        drop(held);
        assert!(lock(&open).of_users.is_empty());
    }

    #[test]
    fn where_all_is_taken_nobody_is_remembered_who_only_knocked() {
        let open = Open::default();
        let users = FOR_EVERYONE / MOST_OF_ONE_USER;
        let held = all_for_everyone(&open);

        let mut news = Vec::new();
        for uid in 2000..2010 {
            let place = Place::take(&open, uid).unwrap();
            news.push(is_news(&place.keep(false)));
        }

        assert!(news[0] && !news[1..].contains(&true), "{news:?}");
        assert_eq!(lock(&open).of_users.len(), users);
        drop(held);
        assert!(lock(&open).of_users.is_empty());
    }

    #[test]
    fn some_places_are_for_administrators_and_none_of_theirs_is_lost_to_others() {
        let open = Open::default();
        let held = all_for_everyone(&open);

        for uid in 2000..2100 {
            assert!(Place::take(&open, uid).unwrap().keep(false).is_err());
        }
        let theirs: Vec<Place> = (0..FOR_ADMINISTRATORS)
            .map(|_| Place::take(&open, UID).unwrap().keep(true).unwrap())
            .collect();

        assert!(Place::take(&open, UID + 1).is_err(), "all are taken");
        assert!(Place::take(&open, 0).is_ok(), "root");
        drop((held, theirs));
        assert!(lock(&open).of_users.is_empty());
        let anyone = Place::take(&open, UID).unwrap();
        assert!(anyone.keep(false).is_ok(), "there is room for everyone");
    }

    #[test]
    fn one_user_who_is_asked_about_does_not_take_the_places_of_administrators() {
        let open = Open::default();
        let _held = all_for_everyone(&open);

        let asked: Vec<Place> = (0..MOST_ASKED_OF_ONE_USER)
            .map(|_| Place::take(&open, 2000).unwrap())
            .collect();

        assert!(Place::take(&open, 2000).is_err());
        assert!(Place::take(&open, UID).unwrap().keep(true).is_ok());
        drop(asked);
        assert!(Place::take(&open, 2000).is_ok());
    }

    fn taken(open: &Open, uid: u32, count: usize) -> Vec<Place> {
        let places = (0..count).map(|_| Place::take(open, uid));
        places.collect::<Result<_, _>>().unwrap()
    }

    fn all_for_everyone(open: &Open) -> Vec<Place> {
        let users = 3000..;
        users
            .take(FOR_EVERYONE / MOST_OF_ONE_USER)
            .flat_map(|uid| taken(open, uid, MOST_OF_ONE_USER))
            .collect()
    }

    fn is_news(place: &Result<Place, NotAdmitted>) -> bool {
        match place {
            Err(NotAdmitted::TooMany { is_news, .. } | NotAdmitted::Full { is_news, .. }) => {
                *is_news
            }
            Err(NotAdmitted::Nameless(_)) | Ok(_) => panic!("there is room"),
        }
    }
}
