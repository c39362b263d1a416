//! Who is on the portal's authoritative list.

use std::str::FromStr;

/// An entry of the authoritative list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// In reading order, as the portal greets.
    pub name: String,
    pub edipi: String,
    /// What the certificate has to say for the portal to know its holder.
    pub upn: String,
    pub category: String,
    pub authorised: bool,
}

/// A person and, if there is one, the person's account, written in one line as
/// `LAST.FIRST.MIDDLE.EDIPI:UPN[:account=NAME][:password=WORD][:category=WORD][:forbidden]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonEntry {
    pub person: Person,
    pub account: Option<String>,
    /// Of the account.
    pub password: Option<String>,
}

/// The line did not describe a person.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPerson {
    #[error("a name is written LAST.FIRST[.MIDDLE].EDIPI, the EDIPI in ten digits")]
    Name,
    #[error("a UPN is written like 1234567890117001@mil")]
    Upn,
    #[error("{0:?} is none of account=NAME, password=WORD, category=WORD, forbidden")]
    Part(String),
}

impl FromStr for PersonEntry {
    type Err = NotAPerson;

    fn from_str(text: &str) -> Result<Self, NotAPerson> {
        let mut parts = text.split(':');
        let (name, edipi) = name_and_edipi(parts.next().unwrap_or_default())?;
        let upn = parts
            .next()
            .filter(|upn| {
                upn.split_once('@')
                    .is_some_and(|(user, domain)| !user.is_empty() && !domain.is_empty())
            })
            .ok_or(NotAPerson::Upn)?
            .to_owned();
        let mut entry = Self {
            person: Person {
                name,
                edipi,
                upn,
                category: "military".to_owned(),
                authorised: true,
            },
            account: None,
            password: None,
        };
        for part in parts {
            match part.split_once('=') {
                Some(("account", name)) if !name.is_empty() => {
                    entry.account = Some(name.to_owned());
                }
                Some(("password", word)) if !word.is_empty() => {
                    entry.password = Some(word.to_owned());
                }
                Some(("category", word)) if !word.is_empty() => {
                    word.clone_into(&mut entry.person.category);
                }
                None if part == "forbidden" => entry.person.authorised = false,
                _ => return Err(NotAPerson::Part(part.to_owned())),
            }
        }
        Ok(entry)
    }
}

fn name_and_edipi(text: &str) -> Result<(String, String), NotAPerson> {
    let parts: Vec<&str> = text.split('.').collect();
    let [last, given @ .., edipi] = parts.as_slice() else {
        return Err(NotAPerson::Name);
    };
    let has_ten_digits = edipi.len() == 10 && edipi.bytes().all(|byte| byte.is_ascii_digit());
    let has_empty_part = parts.iter().any(|part| part.is_empty());
    if given.is_empty() || has_empty_part || !has_ten_digits {
        return Err(NotAPerson::Name);
    }
    let name = format!("{} {last}", given.join(" "));
    Ok((name, (*edipi).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_line_is_read_part_by_part() {
        let entry: PersonEntry =
            "DOE.JANE.Q.1234567890:1234567890117001@mil:account=jane.doe:password=Secret-1:category=civilian:forbidden"
                .parse()
                .unwrap();

        assert_eq!(
            entry,
            PersonEntry {
                person: Person {
                    name: "JANE Q DOE".to_owned(),
                    edipi: "1234567890".to_owned(),
                    upn: "1234567890117001@mil".to_owned(),
                    category: "civilian".to_owned(),
                    authorised: false,
                },
                account: Some("jane.doe".to_owned()),
                password: Some("Secret-1".to_owned()),
            }
        );
    }

    #[test]
    fn what_is_left_out_is_neither_guessed_nor_refused() {
        let entry: PersonEntry = "DOE.JOHN.1000000001:1000000001117001@mil".parse().unwrap();

        assert_eq!(entry.account, None);
        assert!(entry.person.authorised);
    }

    #[test]
    fn a_line_that_is_not_a_person_says_which_part_is_wrong() {
        for (line, error) in [
            ("", NotAPerson::Name),
            ("DOE.1234567890:1@mil", NotAPerson::Name),
            ("DOE.JANE.Q.123456789:1@mil", NotAPerson::Name),
            ("DOE..Q.1234567890:1@mil", NotAPerson::Name),
            ("DOE.JANE.1234567890", NotAPerson::Upn),
            ("DOE.JANE.1234567890:@mil", NotAPerson::Upn),
            (
                "DOE.JANE.1234567890:1@mil:account=",
                NotAPerson::Part("account=".to_owned()),
            ),
            (
                "DOE.JANE.1234567890:1@mil:admin",
                NotAPerson::Part("admin".to_owned()),
            ),
        ] {
            assert_eq!(line.parse::<PersonEntry>(), Err(error), "{line}");
        }
    }
}
