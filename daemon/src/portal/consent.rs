//! A notice that a person has to accept before a portal goes on.

use aws_lc_rs::digest::{SHA256, digest};
use cac_common::registration::Notice;
use url::Url;

use super::ConsentMarkers;
use super::form::Form;
use super::page::{Page, visible_text};

/// More of a notice than anybody reads.
const LONGEST: usize = 16 * 1024;

/// What a page with a notice comes to.
pub(super) enum Shown {
    /// A person has accepted this very text, and this says so to the portal.
    Accepted(Form),
    /// One has to read it first.
    New(Notice),
    /// Its form is none that can be sent for a person.
    NoForm,
}

impl ConsentMarkers {
    /// Nothing where the page shows no notice.
    pub(super) fn look(&self, page: &Page, url: &Url, accepted: &[String]) -> Option<Shown> {
        let markup = page.markup()?;
        let element = markup.select(&self.notice).next()?;
        let text = legible(&visible_text(*element));
        let notice = Notice {
            sha256: hex(digest(&SHA256, text.as_bytes()).as_ref()),
            text,
        };
        Some(match Form::accepting(markup, &self.form, url) {
            None => Shown::NoForm,
            Some(form) if accepted.contains(&notice.sha256) => Shown::Accepted(form),
            Some(_) => Shown::New(notice),
        })
    }
}

/// Without what could move about a terminal, and not without end.
fn legible(text: &str) -> String {
    let end = text.floor_char_boundary(LONGEST);
    cac_common::identity::legible(&text[..end])
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
