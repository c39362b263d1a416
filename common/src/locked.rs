//! Memory for secrets: never in a core file, wiped when dropped, and never
//! swapped out where we may lock memory.
#![expect(
    unsafe_code,
    reason = "a page of one's own is the only memory that can be locked and kept out of core files without touching its neighbours; mmap, mlock and madvise have no safe form"
)]

mod wiped;

use std::ffi::c_void;
use std::io;
use std::ptr::{self, NonNull};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mlock, mmap_anonymous, munmap};
use zeroize::Zeroize;

use wiped::Pending;
pub use wiped::close_once_wiped;

/// How many bytes a [`Locked`] holds.
pub const CAPACITY: usize = 256;

const PAGE: usize = 4096;

/// [`CAPACITY`] bytes on a page of their own, all zero at first.
pub struct Locked {
    page: NonNull<u8>,
    is_kept_in: bool,
    /// Dropped after the page is wiped: fields are, after `drop`.
    _pending: Pending,
}

// The page belongs to this value alone, and is reached only through `&` and `&mut`.
unsafe impl Send for Locked {}
unsafe impl Sync for Locked {}

impl Locked {
    /// Asks the kernel for a page that is neither swapped nor dumped. Where the
    /// process may lock no more memory (`RLIMIT_MEMLOCK`) it may be swapped:
    /// [`Self::is_locked`] says so.
    pub fn new() -> io::Result<Self> {
        // SAFETY: a fresh anonymous mapping at an address the kernel chooses
        // overlaps nothing. The mapping is only ever this value's.
        unsafe {
            let page = mmap_anonymous(
                ptr::null_mut(),
                PAGE,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE,
            )?;
            let mut locked = Self {
                page: NonNull::new(page.cast()).ok_or(io::ErrorKind::OutOfMemory)?,
                is_kept_in: false,
                _pending: Pending::new(),
            };
            locked.is_kept_in = mlock(page, PAGE).is_ok();
            madvise(page, PAGE, Advice::LinuxDontDump)?;
            madvise(page, PAGE, Advice::LinuxWipeOnFork)?;
            Ok(locked)
        }
    }

    /// Whether it is never swapped out.
    pub fn is_locked(&self) -> bool {
        self.is_kept_in
    }

    pub fn bytes(&self) -> &[u8; CAPACITY] {
        // SAFETY: the page is mapped readable for as long as `self` lives, is
        // at least CAPACITY long, and was zeroed by the kernel.
        unsafe { self.page.cast::<[u8; CAPACITY]>().as_ref() }
    }

    pub fn bytes_mut(&mut self) -> &mut [u8; CAPACITY] {
        // SAFETY: as above, and `&mut self` makes this the only reference.
        unsafe { self.page.cast::<[u8; CAPACITY]>().as_mut() }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.bytes_mut().zeroize();
        // SAFETY: the page came from mmap_anonymous with this length, and no
        // reference to it outlives `self`.
        let unmapped = unsafe { munmap(self.page.as_ptr().cast::<c_void>(), PAGE) };
        debug_assert!(unmapped.is_ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read_again() {
        let mut locked = Locked::new().unwrap();

        locked.bytes_mut()[..6].copy_from_slice(b"secret");

        assert_eq!(&locked.bytes()[..7], b"secret\0");
    }

    #[test]
    fn the_kernel_was_told_to_lock_the_page_and_to_leave_it_out_of_cores() {
        let locked = Locked::new().unwrap();

        assert!(locked.is_locked());
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let address = format!("{:x}-", locked.page.as_ptr() as usize);
        let ours = maps.split_inclusive("VmFlags:").collect::<Vec<_>>();
        // The flags of a mapping follow its header, so they open the next part.
        let at = ours
            .iter()
            .position(|part| part.contains(&address))
            .unwrap();
        let flags = ours[at + 1].lines().next().unwrap();

        assert!(flags.contains(" lo"), "locked: {flags}");
        assert!(flags.contains(" dd"), "not dumped: {flags}");
        assert!(flags.contains(" wf"), "wiped on fork: {flags}");
    }
}
