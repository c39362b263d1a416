//! Who may see every reader, act for everyone, and clear.

use users::os::unix::GroupExt as _;
use users::{get_user_by_uid, get_user_groups};

/// Decides by the peer's user ID.
#[derive(Debug, Clone)]
pub struct Access {
    own_uid: u32,
    group: String,
}

impl Access {
    /// Members of `group` are administrators, besides root and the daemon's own user.
    pub fn new(group: &str) -> Self {
        Self {
            own_uid: rustix::process::getuid().as_raw(),
            group: group.to_owned(),
        }
    }

    /// Asks the user database, which can take its time: not for the runtime's threads.
    pub fn is_administrator(&self, uid: u32) -> bool {
        uid == 0 || uid == self.own_uid || self.is_member(uid)
    }

    fn is_member(&self, uid: u32) -> bool {
        let Some(user) = get_user_by_uid(uid) else {
            return false;
        };
        get_user_groups(user.name(), user.primary_group_id())
            .into_iter()
            .flatten()
            .any(|group| group.name().to_str() == Some(self.group.as_str()))
            || users::get_group_by_name(&self.group)
                .is_some_and(|group| group.members().iter().any(|member| member == user.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_and_the_own_user_are_administrators_and_a_stranger_is_not() {
        let access = Access::new("a-group-that-is-not-there");

        assert!(access.is_administrator(0));
        assert!(access.is_administrator(rustix::process::getuid().as_raw()));
        assert!(!access.is_administrator(4_000_000_000));
    }
}
