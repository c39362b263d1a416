//! A page that a portal answered with. The daemon keeps its parsers to itself,
//! so they are compiled here once more.

use cac_common::locked::Locked;
use cac_common::password::Password;
use scraper::{Html, Selector};
use url::{Url, form_urlencoded};

use self::filling::{Once, Value};
use self::form::Form;
use self::parser::{self as page, Page, folded};
use super::Input;

#[expect(
    unreachable_pub,
    reason = "the daemon's wizard shows it to those who call"
)]
#[path = "../../../daemon/src/portal/filling.rs"]
mod filling;
#[path = "../../../daemon/src/portal/form.rs"]
mod form;
#[path = "../../../daemon/src/portal/page.rs"]
mod parser;

const ADDRESS: &str = "https://portal.example/sign-in";
/// More than a form is sent with.
const TOO_LARGE: usize = (256 << 10) + 1;

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
    let is_sent = page.markup().is_some_and(is_sent_whole);
    if let Some(html) = page.markup() {
        let lines = page::lines(html);
        assert!(
            lines
                .lines()
                .all(|line| folded(line) == line && !line.is_empty())
        );
    }
    let Some(selector) = selector else {
        return is_sent;
    };
    if let Some(form) = page.markup().and_then(|html| accepting(html, &selector)) {
        assert_sent_whole(&form);
    }
    if let Some(html) = page.markup() {
        assert_filled_whole(html, &selector);
    }
    let first = page.first(&selector);
    assert!(first.is_none() || page.has(&selector));
    is_sent || page.has(&selector)
}

fn form_names(html: &Html) -> Vec<String> {
    let any = Selector::parse("[name]").expect("a selector of our own");
    let names = html.select(&any).filter_map(|it| it.attr("name"));
    names.map(str::to_owned).collect()
}

/// What is sent of a form that is filled in reads back as its fields.
fn assert_filled_whole(html: &Html, selector: &Selector) {
    let url = Url::parse(ADDRESS).expect("an address of our own");
    let secret = Locked::new()
        .ok()
        .and_then(|bytes| Password::new(bytes, 8).ok())
        .map(Value::Password);
    let given = [
        ("user", Some(Value::Text("jane".into()))),
        ("password", secret),
        ("cert", Some(Value::Certificate("-----".into()))),
    ];
    // Those that the page has fields for.
    let wanted = form_names(html);
    let given = given
        .into_iter()
        .filter(|(name, _)| wanted.iter().any(|field| field == name))
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let Ok(once) = Once::fill(html, selector, &url, given.collect()) else {
        return;
    };
    assert_eq!(once.page, url);
    let _ = &once.action;
    if once.content_type == Form::CONTENT_TYPE {
        let pairs = form_urlencoded::parse(&once.body);
        let names: Vec<String> = pairs.map(|(name, _)| name.into_owned()).collect();
        assert_eq!(names.len(), once.names.len());
    } else {
        assert!(once.body.ends_with(b"--\r\n"));
    }
}

/// There is a form that the page sends by itself, and what is sent reads back
/// as its fields.
fn is_sent_whole(html: &Html) -> bool {
    let url = Url::parse(ADDRESS).expect("an address of our own");
    let Some(form) = Form::sent_by_itself(html, &url) else {
        return false;
    };
    assert_sent_whole(&form);
    true
}

fn accepting(html: &Html, selector: &Selector) -> Option<Form> {
    let url = Url::parse(ADDRESS).expect("an address of our own");
    Form::accepting(html, selector, None, &url)
}

fn assert_sent_whole(form: &Form) {
    let names = form_urlencoded::parse(form.body.as_bytes()).map(|(name, _)| name.into_owned());
    assert_eq!(names.collect::<Vec<_>>(), form.names);
    assert!(form.body.len() < TOO_LARGE);
    assert!(!form.body.contains(['\r', '\n', ' ']));
    let _ = (&form.action, Form::CONTENT_TYPE);
}
