//! The invented people the virtual cards are issued to.

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use super::fascn::FascN;
use super::issuer::as_version_4;

/// Whoever a card is issued to, in one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// As in the common name: upper case.
    pub last: String,
    /// As in the common name: upper case.
    pub first: String,
    /// Name or initial; not everybody has one.
    pub middle: Option<String>,
    /// Ten digits, the same on all cards of this person.
    pub edipi: u64,
    /// Organisational identifier of the FASC-N: 2100 Army, 1700 Navy, 5700 Air Force, 9700 other.
    pub oi: u16,
    /// Person/organisation association of the FASC-N: 4 uniformed, 1 and 2 civilian, 5 contractor.
    pub poa: u8,
    /// Last organisational unit of the subject: `USA`, `USN`, `USAF`, `CONTRACTOR`, …
    pub ou: String,
}

impl Person {
    /// Jane Q. Doe, who serves in an air force that does not exist.
    pub fn jane_doe() -> Self {
        Self {
            last: "DOE".to_owned(),
            first: "JANE".to_owned(),
            middle: Some("Q".to_owned()),
            edipi: 1_234_567_890,
            oi: 5700,
            poa: 4,
            ou: "USAF".to_owned(),
        }
    }

    /// John Roe, a contractor without a middle name.
    pub fn john_roe() -> Self {
        Self {
            last: "ROE".to_owned(),
            first: "JOHN".to_owned(),
            middle: None,
            edipi: 1_000_000_003,
            oi: 2100,
            poa: 5,
            ou: "CONTRACTOR".to_owned(),
        }
    }

    /// `DOE.JANE.Q.1234567890`
    pub fn common_name(&self) -> String {
        let edipi = format!("{:010}", self.edipi);
        let parts = [
            Some(&self.last),
            Some(&self.first),
            self.middle.as_ref(),
            Some(&edipi),
        ];
        parts
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(".")
    }

    /// The name for logon on the PIV Authentication certificate: `1234567890157004@mil`
    pub fn upn(&self) -> String {
        format!("{}@mil", self.fascn(0).person_tail())
    }

    /// `jane.q.doe.mil@mail.example`, with the usual part for the role.
    pub fn mail(&self) -> String {
        let role = match self.poa {
            1 | 2 => ".civ",
            5 => ".ctr",
            _ => ".mil",
        };
        let middle = self
            .middle
            .as_ref()
            .map(|middle| format!("{middle}."))
            .unwrap_or_default();
        format!("{}.{middle}{}{role}@mail.example", self.first, self.last).to_lowercase()
    }

    /// The same on all cards of this person: a version 4 UUID, drawn from the number alone.
    pub(crate) fn uuid(&self) -> [u8; 16] {
        let hash = digest::digest(&digest::SHA256, &self.edipi.to_be_bytes());
        let mut uuid = [0; 16];
        uuid.copy_from_slice(&hash.as_ref()[..16]);
        as_version_4(uuid)
    }

    /// The number of this person's card with the given credential number.
    pub fn fascn(&self, credential: u32) -> FascN {
        FascN {
            agency: 9700,
            system: 1234,
            credential,
            series: 1,
            issue: 1,
            person: self.edipi,
            category: 1,
            organisation: self.oi,
            association: self.poa,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_pattern_of_the_dod() {
        let jane = Person::jane_doe();

        assert_eq!(jane.common_name(), "DOE.JANE.Q.1234567890");
        assert_eq!(jane.upn(), "1234567890157004@mil");
        assert_eq!(jane.mail(), "jane.q.doe.mil@mail.example");
    }

    #[test]
    fn a_missing_middle_name_leaves_no_gap() {
        let john = Person::john_roe();

        assert_eq!(john.common_name(), "ROE.JOHN.1000000003");
        assert_eq!(john.mail(), "john.roe.ctr@mail.example");
    }
}
