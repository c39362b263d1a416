//! The whole history, as much of it as came so far.

use cac_common::interface::GetHistory;
use cac_common::snapshot::HistoryEntry;

use super::{App, Screen};
use crate::failure::Trouble;

/// The pages of the history that came so far, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryList {
    pub entries: Vec<HistoryEntry>,
    pub cursor: usize,
    pub page: Page,
    /// The newest entries were let go to make room.
    pub starts_later: bool,
    /// Only entries with this in their text.
    pub search: Option<Search>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    pub text: String,
    /// It is still being typed.
    pub is_typed: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Page {
    #[default]
    NotAsked,
    /// This is on its way.
    Loading(GetHistory),
    /// Older ones are to be asked for with this.
    More(GetHistory),
    /// Nothing older is left.
    End,
    /// This was asked for, and it did not come.
    Failed(GetHistory, Trouble),
}

impl HistoryList {
    pub fn types_search(&self) -> bool {
        self.search.as_ref().is_some_and(|search| search.is_typed)
    }
}

impl App {
    /// The history that is open, under the help or the palette too.
    pub fn history_mut(&mut self) -> Option<&mut HistoryList> {
        self.screens_mut().find_map(|screen| {
            if let Screen::History(list) = screen {
                Some(list)
            } else {
                None
            }
        })
    }
}
