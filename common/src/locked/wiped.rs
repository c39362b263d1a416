//! Who waits until secrets are wiped: every page there is, wherever it went.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Closed with the last page that has a share in it.
type Shares = Mutex<Vec<Arc<OwnedFd>>>;

/// Of the pages there are.
static PAGES: Mutex<Vec<Weak<Shares>>> = Mutex::new(Vec::new());

/// What ends when a page is wiped.
pub(super) struct Pending {
    _shares: Arc<Shares>,
}

impl Pending {
    pub(super) fn new() -> Self {
        let shares = Arc::<Shares>::default();
        let mut pages = PAGES.lock().unwrap_or_else(PoisonError::into_inner);
        pages.retain(|page| page.strong_count() > 0);
        pages.push(Arc::downgrade(&shares));
        Self { _shares: shares }
    }
}

/// Closes this when every page that there is now is wiped: at once, if there is none.
pub fn close_once_wiped(descriptor: OwnedFd) {
    let descriptor = Arc::new(descriptor);
    let pages = PAGES.lock().unwrap_or_else(PoisonError::into_inner);
    for shares in pages.iter().filter_map(Weak::upgrade) {
        let mut shares = shares.lock().unwrap_or_else(PoisonError::into_inner);
        shares.push(Arc::clone(&descriptor));
    }
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, Read as _};

    use super::super::Locked;
    use super::*;

    /// Blocks until the other end is closed everywhere: pages of other tests,
    /// which end too, may have a share in it.
    fn ends(mut pipe: PipeReader) {
        assert_eq!(pipe.read(&mut [0]).unwrap(), 0);
    }

    fn is_open(pipe: &PipeReader) -> bool {
        let mut polled = [rustix::event::PollFd::new(
            pipe,
            rustix::event::PollFlags::IN,
        )];
        let now = rustix::time::Timespec::default();
        rustix::event::poll(&mut polled, Some(&now)).unwrap() == 0
    }

    #[test]
    fn it_is_closed_with_the_last_page_that_there_was() {
        let pages = [(); 2].map(|()| Locked::new().unwrap());
        let (pipe, descriptor) = std::io::pipe().unwrap();

        close_once_wiped(descriptor.into());
        let [first, second] = pages;
        drop(first);
        assert!(is_open(&pipe), "the second is there");
        // A page that is made later has no share in it.
        let later = Locked::new().unwrap();
        // It may be wiped by another than the one who had it.
        std::thread::spawn(move || drop(second)).join().unwrap();

        ends(pipe);
        drop(later);
    }

    #[test]
    fn it_is_closed_where_nothing_is_to_be_wiped() {
        let (pipe, descriptor) = std::io::pipe().unwrap();

        close_once_wiped(descriptor.into());

        ends(pipe);
    }
}
