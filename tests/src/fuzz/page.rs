//! A page that a portal answered with. The daemon keeps its parser to itself,
//! so it is compiled here once more.

use scraper::Selector;

use self::parser::{Page, folded};
use super::Input;

#[path = "../../../daemon/src/portal/page.rs"]
mod parser;

/// A selector as a profile has it, then the page.
pub(super) fn page(data: &[u8]) -> bool {
    let mut input = Input(data);
    let content_type = [
        None,
        Some("text/html; charset=utf-8"),
        Some("application/json"),
        Some("image/png"),
    ];
    let content_type = content_type[usize::from(input.byte() % 4)];
    let selector = std::str::from_utf8(input.part())
        .ok()
        .and_then(|text| Selector::parse(text).ok());
    let Ok(page) = Page::parse(content_type, input.rest()) else {
        return false;
    };
    assert_eq!(folded(page.text()), page.text());
    let _ = (page.title(), page.has_password_field());
    let Some(selector) = selector else {
        return false;
    };
    let first = page.first(&selector);
    assert!(first.is_none() || page.has(&selector));
    page.has(&selector)
}
