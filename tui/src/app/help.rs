//! What of the help is shown.

use crate::keys::Mode;

/// The help as it was opened, and how far down it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelpPage {
    /// What the keys meant where it was opened.
    pub from: Mode,
    /// The label of the status it was opened on.
    pub about: Option<&'static str>,
    pub section: usize,
    pub scroll: u16,
}
