//! A notice that a person has to accept before a portal goes on.

use aws_lc_rs::digest::{SHA256, digest};
use cac_common::registration::Notice;
use url::Url;

use super::ConsentMarkers;
use super::form::Form;
use super::page::{Page, visible_text};
use cac_common::identity::legible;

/// In bytes; of a longer one not all could be shown.
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
        let form = markup.select(&self.form).next();
        // What stands beside the boxes and buttons is accepted too.
        let of_form = form.map(|form| visible_text(*form)).unwrap_or_default();
        let mut text = legible(&visible_text(*element));
        if !text.contains(&of_form) {
            text = format!("{text} {}", legible(&of_form));
        }
        let form = Form::accepting(markup, &self.form, self.button.as_ref(), url);
        let Some(form) = form.filter(|_| text.len() <= LONGEST) else {
            return Some(Shown::NoForm);
        };
        let mut whole = text.clone();
        for name in &form.names {
            whole.push('\0');
            whole.push_str(name);
        }
        let sha256 = hex(digest(&SHA256, whole.as_bytes()).as_ref());
        Some(if accepted.contains(&sha256) {
            Shown::Accepted(form)
        } else {
            Shown::New(Notice { text, sha256 })
        })
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
