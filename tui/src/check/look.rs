//! Looks things up on this machine, each check in a thread of its own and within
//! its time.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cac_common::snapshot::Snapshot;
use tokio::sync::mpsc;

use super::anywhere::any;
use super::{By, Check, Found, all};
use crate::folders;

/// Of one check.
const LIMIT: Duration = Duration::from_secs(8);

/// Where it is looked, and as whom.
#[derive(Debug, Clone)]
pub struct Place {
    /// The folder that everything lies below: `/`, but for unit tests.
    pub root: PathBuf,
    pub home: Option<PathBuf>,
    /// Of this user (`XDG_CONFIG_HOME`).
    pub configuration: Option<PathBuf>,
    /// What programs keep for this user (`XDG_DATA_HOME`).
    pub data: Option<PathBuf>,
    /// GnuPG's (`GNUPGHOME`).
    pub gnupg: Option<PathBuf>,
    /// The daemon's.
    pub socket: PathBuf,
    /// pcscd's socket, where the environment names one (`PCSCLITE_CSOCK_NAME`).
    pub pcscd: Option<PathBuf>,
    /// The daemon's picture, if it gave one.
    pub picture: Option<Arc<Snapshot>>,
}

impl Place {
    /// This machine, as the user of this process.
    pub fn here(socket: PathBuf, picture: Option<Snapshot>) -> Self {
        Self {
            root: "/".into(),
            socket,
            home: std::env::home_dir(),
            configuration: folders::configuration(|name| std::env::var_os(name)),
            data: folders::data(|name| std::env::var_os(name)),
            gnupg: folders::gnupg(|name| std::env::var_os(name)),
            pcscd: std::env::var_os("PCSCLITE_CSOCK_NAME").map(PathBuf::from),
            picture: picture.map(Arc::new),
        }
    }
}

#[cfg(test)]
impl Place {
    /// One that is made up, with a home of its own.
    pub(crate) fn below(root: &std::path::Path) -> Self {
        Self {
            root: root.into(),
            socket: root.join("socket"),
            home: Some(root.join("home")),
            configuration: Some(root.join("home/.config")),
            data: Some(root.join("home/.local/share")),
            gnupg: Some(root.join("home/.gnupg")),
            pcscd: None,
            picture: None,
        }
    }
}

async fn within(limit: Duration, look: impl FnOnce() -> Vec<Found> + Send + 'static) -> Vec<Found> {
    let looking = tokio::task::spawn_blocking(look);
    match tokio::time::timeout(limit, looking).await {
        Ok(Ok(found)) => found,
        Ok(Err(_)) => vec![any::BROKE.found()],
        Err(_) => vec![any::NO_ANSWER.told(&[("seconds", &limit.as_secs())])],
    }
}

/// What one check found.
#[derive(Debug)]
pub struct Looked {
    pub check: &'static str,
    pub found: Vec<Found>,
}

/// Makes every check of this machine that is `wanted`, all at once.
pub fn around(
    place: &Arc<Place>,
    wanted: impl Fn(&Check) -> bool,
) -> mpsc::UnboundedReceiver<Looked> {
    let (tell, looked) = mpsc::unbounded_channel();
    for check in all().filter(|check| wanted(check)) {
        let By::Machine(look) = check.by else {
            continue;
        };
        let (place, tell) = (place.clone(), tell.clone());
        tokio::spawn(async move {
            let found = within(LIMIT, move || look(&place)).await;
            let check = check.name;
            // Nobody wants it any more.
            let _ = tell.send(Looked { check, found });
        });
    }
    looked
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc as blocking;

    use super::*;
    use crate::check::Outcome;

    #[tokio::test]
    async fn one_that_fails_and_one_that_never_ends_are_unknown() {
        let (ends, end) = blocking::channel::<()>();

        let fine = within(LIMIT, || vec![Outcome::fine("it is so").found()]).await;
        let broken = within(LIMIT, || panic!("as a fault of ours would")).await;
        let endless = within(Duration::ZERO, move || {
            // Until the other end is dropped.
            let _ = end.recv();
            Vec::new()
        });
        let endless = endless.await;
        drop(ends);

        let found = [fine, broken, endless].map(|found| found[0].outcome());
        assert_eq!(
            found,
            [Outcome::fine("it is so"), any::BROKE, any::NO_ANSWER]
        );
    }
}
