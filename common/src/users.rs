//! Whose card it is: the people of a machine, by what stands on their cards.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde_spanned::Spanned;

use crate::identity::Edipi;
use crate::toml_file::{FileError, Source};

/// Which user of the machine a card belongs to, as the configuration says.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Users {
    names: HashMap<Key, String>,
}

/// What tells a card.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    /// In lower case.
    Upn(String),
    Subject(String),
    Edipi(Edipi),
}

/// One `[[user]]`, as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserTable {
    name: Spanned<String>,
    upn: Option<String>,
    edipi: Option<String>,
    subject: Option<String>,
}

impl Users {
    /// The user whom a card belongs to, by the UPN and the DoD ID of its holder
    /// and the subject of the certificate that signs in, written as RFC 4514
    /// has it. A UPN names a person in one role, a DoD ID in all of them: so
    /// where several users fit, it is the one by UPN, then by subject.
    pub fn of(
        &self,
        upn: Option<&str>,
        edipi: Option<Edipi>,
        subject: Option<&str>,
    ) -> Option<&str> {
        let keys = [
            upn.map(|upn| Key::Upn(upn.to_lowercase())),
            subject.map(|subject| Key::Subject(subject.to_owned())),
            edipi.map(Key::Edipi),
        ];
        let mut keys = keys.into_iter().flatten();
        keys.find_map(|key| self.names.get(&key).map(String::as_str))
    }

    /// Faults are marked at the user's name: what stands on a card names a
    /// person, and a fault goes to the journal.
    pub(crate) fn check(tables: Vec<UserTable>, source: &Source) -> Result<Self, FileError> {
        let mut names = HashMap::new();
        for table in tables {
            let fault = |text: &str| Err(source.fault_at(&table.name, text));
            let name = table.name.get_ref();
            if name.trim().is_empty() {
                return fault("user.name names a user of this machine");
            }
            let edipi = match table.edipi.as_deref().map(str::parse) {
                None => None,
                Some(Ok(edipi)) => Some(Key::Edipi(edipi)),
                Some(Err(error)) => return fault(&format!("user.edipi of this user: {error}")),
            };
            let upn = match table.upn.as_deref() {
                Some(upn) if !is_a_upn(upn) => {
                    return fault("user.upn of this user: a UPN is a name, \"@\" and a domain");
                }
                upn => upn.map(|upn| Key::Upn(upn.to_lowercase())),
            };
            let subject = match table.subject.as_deref() {
                Some(subject) if !subject.contains('=') => {
                    return fault(
                        "user.subject of this user: a subject is written as \"CN=…,OU=…,C=US\"",
                    );
                }
                subject => subject.map(|subject| Key::Subject(subject.to_owned())),
            };
            let keys: Vec<Key> = [edipi, upn, subject].into_iter().flatten().collect();
            if keys.is_empty() {
                return fault("a user needs a upn, an edipi or a subject");
            }
            for key in keys {
                let what = key.name();
                match names.insert(key, name.clone()) {
                    Some(other) if other != *name => {
                        return fault(&format!("the {what} of this user is that of {other} too"));
                    }
                    _ => {}
                }
            }
        }
        Ok(Self { names })
    }
}

impl Key {
    fn name(&self) -> &'static str {
        match self {
            Self::Upn(_) => "upn",
            Self::Subject(_) => "subject",
            Self::Edipi(_) => "edipi",
        }
    }
}

/// People stand in it.
impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Users(of {} marks)", self.names.len())
    }
}

fn is_a_upn(text: &str) -> bool {
    text.split_once('@')
        .is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    const SUBJECT: &str = "CN=DOE.JANE.Q.1234567890,OU=USN,O=U.S. Government,C=US";

    #[test]
    fn a_card_belongs_to_whom_any_of_its_marks_is_written_down_for() {
        let users = users(&format!(
            "[[user]]\nname = \"jane\"\nedipi = \"1234567890\"\n\
             [[user]]\nname = \"john\"\nupn = \"2345678901@MIL\"\n\
             [[user]]\nname = \"joan\"\nsubject = \"{SUBJECT}\"\n"
        ))
        .unwrap();
        let jane = "1234567890".parse().ok();

        assert_eq!(users.of(None, jane, None), Some("jane"));
        assert_eq!(users.of(Some("2345678901@mil"), None, None), Some("john"));
        assert_eq!(users.of(None, None, Some(SUBJECT)), Some("joan"));
        assert_eq!(users.of(Some("x@mil"), None, Some("CN=X")), None);
        assert_eq!(users.of(None, None, None), None);
        assert_eq!(Users::default().of(None, jane, None), None);
    }

    #[test]
    fn a_role_has_a_user_of_its_own_where_one_is_named() {
        let users = users(
            "[[user]]\nname = \"jane\"\nedipi = \"1234567890\"\n\
             [[user]]\nname = \"jane-navy\"\nupn = \"1234567890157004@mil\"\n",
        )
        .unwrap();
        let jane = "1234567890".parse().ok();

        assert_eq!(
            users.of(Some("1234567890157004@mil"), jane, None),
            Some("jane-navy")
        );
        assert_eq!(
            users.of(Some("1234567890123456@mil"), jane, None),
            Some("jane")
        );
    }

    #[test]
    fn a_mistake_is_shown_where_it_stands_without_what_names_a_person() {
        for (text, place) in [
            (
                "[[user]]\nname = \"\"\nedipi = \"1234567890\"\n",
                "cacd.toml:2:8: user.name names",
            ),
            (
                "[[user]]\nname = \"jane\"\n",
                "cacd.toml:2:8: a user needs a upn, an edipi or",
            ),
            (
                "[[user]]\nname = \"jane\"\nedipi = \"123456789\"\n",
                "cacd.toml:2:8: user.edipi of this user: an EDIPI is ten digits",
            ),
            (
                "[[user]]\nname = \"jane\"\nupn = \"1234567890\"\n",
                "cacd.toml:2:8: user.upn of this user: a UPN is",
            ),
            (
                "[[user]]\nname = \"jane\"\nsubject = \"1234567890\"\n",
                "cacd.toml:2:8: user.subject of this user: a subject is",
            ),
            (
                "[[user]]\nname = \"jane\"\nuid = 1\n",
                "cacd.toml:3:1: unknown field `uid`",
            ),
            (
                "[[user]]\nedipi = \"1234567890\"\n",
                "cacd.toml:1:1: missing field `name`",
            ),
            (
                "[[user]]\nname = \"jane\"\nupn = \"1234567890@mil\"\n\
                 [[user]]\nname = \"john\"\nupn = \"1234567890@MIL\"\n",
                "cacd.toml:5:8: the upn of this user is that of jane too",
            ),
            (
                "[[user]]\nname = \"jane\"\nedipi = \"1234567890\"\n\
                 [[user]]\nname = \"john\"\nedipi = \"1234567890\"\n",
                "cacd.toml:5:8: the edipi of this user is that of jane too",
            ),
        ] {
            let error = users(text).unwrap_err().to_string();

            assert!(error.starts_with(place), "{error}");
            assert!(!error.contains("123456789"), "{error}");
        }
    }

    #[test]
    fn a_user_may_be_written_down_twice() {
        let users = users(
            "[[user]]\nname = \"jane\"\nedipi = \"1234567890\"\n\
             [[user]]\nname = \"jane\"\nedipi = \"1234567890\"\nupn = \"a@mil\"\n",
        );

        assert_eq!(users.unwrap().of(Some("A@mil"), None, None), Some("jane"));
    }

    #[test]
    fn debug_shows_nobody() {
        let users = users("[[user]]\nname = \"jane\"\nedipi = \"1234567890\"\n").unwrap();

        assert_eq!(format!("{users:?}"), "Users(of 1 marks)");
    }

    fn users(text: &str) -> Result<Users, FileError> {
        let source = Source::new(Path::new("cacd.toml"), text.into());
        Config::check(&source).map(|config| config.users)
    }
}
