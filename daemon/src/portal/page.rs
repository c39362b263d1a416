//! A page that a portal answered with, as far as rules look at it.

use cac_common::identity::readable;
use ego_tree::NodeRef;
use ego_tree::iter::Edge;
use html5ever::driver::{self, ParseOpts};
use html5ever::tendril::TendrilSink;
use scraper::{Html, HtmlTreeSink, Node, Selector};

/// In one tag, counted by the white space and slashes that part them. What
/// they cost to parse grows with the square of their number.
const MOST_ATTRIBUTES: usize = 1_000;
/// Markup that never closes what it opens can make a tree far larger than itself.
const MOST_NODES: usize = 200_000;
/// As browsers have it. Matching `:has()` goes down the tree by recursion.
const DEEPEST: usize = 512;
const BITE: usize = 64;

/// What a browser that runs scripts does not show.
const HIDDEN: [&str; 4] = ["noscript", "script", "style", "template"];
/// Elements that do not part the words they stand between.
const INLINE: [&str; 20] = [
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "font", "i", "mark", "q", "s", "small",
    "span", "strong", "sub", "sup", "u", "wbr",
];

/// Not `Send`, so it lives between two awaits.
pub(super) enum Page {
    Html {
        html: Html,
        text: String,
    },
    Text(String),
    /// Neither; an image, say.
    Opaque,
}

/// The markup is too large for what it costs to look at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooComplex;

impl Page {
    pub(super) fn parse(content_type: Option<&str>, body: &[u8]) -> Result<Self, TooComplex> {
        let essence = content_type
            .and_then(|value| value.split(';').next())
            .map(|essence| essence.trim().to_ascii_lowercase());
        let text = || String::from_utf8_lossy(body);
        match essence.as_deref() {
            None | Some("text/html" | "application/xhtml+xml") => {
                let html = parse(&text())?;
                let text = visible_text(html.tree.root());
                Ok(Self::Html { html, text })
            }
            Some(essence) if essence.starts_with("text/") || essence == "application/json" => {
                Ok(Self::Text(folded(&text())))
            }
            Some(_) => Ok(Self::Opaque),
        }
    }

    /// White space folded; without what a browser does not show as text.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Html { text, .. } | Self::Text(text) => text,
            Self::Opaque => "",
        }
    }

    pub(super) fn markup(&self) -> Option<&Html> {
        match self {
            Self::Html { html, .. } => Some(html),
            Self::Text(_) | Self::Opaque => None,
        }
    }

    pub(super) fn title(&self) -> Option<String> {
        self.first(&Selector::parse("title").ok()?)
    }

    pub(super) fn has(&self, selector: &Selector) -> bool {
        match self {
            Self::Html { html, .. } => html.select(selector).next().is_some(),
            Self::Text(_) | Self::Opaque => false,
        }
    }

    pub(super) fn has_password_field(&self) -> bool {
        Selector::parse("input[type=password i]").is_ok_and(|selector| self.has(&selector))
    }

    /// What stands in the first element that `selector` matches, for people to read.
    pub(super) fn first(&self, selector: &Selector) -> Option<String> {
        let Self::Html { html, .. } = self else {
            return None;
        };
        let element = html.select(selector).next()?;
        let text = readable(&folded(&element.text().collect::<String>()));
        Some(text).filter(|text| !text.is_empty())
    }
}

/// White space folded: runs of it become one blank, none at the ends.
pub(super) fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) fn parse(text: &str) -> Result<Html, TooComplex> {
    if has_too_many_attributes(text) {
        return Err(TooComplex);
    }
    let sink = HtmlTreeSink::new(Html::new_document());
    let mut parser = driver::parse_document(sink, ParseOpts::default());
    let mut rest = text;
    while !rest.is_empty() {
        let (bite, after) = rest.split_at(rest.floor_char_boundary(BITE));
        parser.process(bite.into());
        rest = after;
        let html = parser.tokenizer.sink.sink.0.borrow();
        let newest = html.tree.nodes().next_back();
        if html.tree.values().len() > MOST_NODES || newest.is_some_and(is_too_deep) {
            return Err(TooComplex);
        }
    }
    let html = parser.finish();
    if html.tree.nodes().any(is_too_deep) {
        return Err(TooComplex);
    }
    Ok(html)
}

fn is_too_deep(node: NodeRef<'_, Node>) -> bool {
    node.ancestors().nth(DEEPEST).is_some()
}

fn has_too_many_attributes(text: &str) -> bool {
    let mut gaps = None;
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, &mut gaps) {
            (b'<', _) if bytes.peek().is_some_and(u8::is_ascii_alphabetic) => gaps = Some(0),
            (b'>', _) => gaps = None,
            (b' ' | b'\t' | b'\n' | b'\r' | b'\x0C' | b'/', Some(gaps)) => *gaps += 1,
            _ => {}
        }
        if gaps.is_some_and(|gaps| gaps > MOST_ATTRIBUTES) {
            return true;
        }
    }
    false
}

/// The same as [`visible_text`], with the lines in which a browser shows it.
pub(super) fn lines(html: &Html) -> String {
    let mut lines = vec![String::new()];
    let mut hidden = 0;
    for edge in html.tree.root().traverse() {
        let (node, depth) = match edge {
            Edge::Open(node) => (node.value(), 1),
            Edge::Close(node) => (node.value(), -1),
        };
        match node {
            Node::Element(element) if HIDDEN.contains(&element.name()) => hidden += depth,
            // The title is shown elsewhere; a cell stands beside its neighbour.
            Node::Element(element) if element.name() == "title" => hidden += depth,
            Node::Element(element) if ["td", "th"].contains(&element.name()) => {
                lines.last_mut().into_iter().for_each(|line| line.push(' '));
            }
            Node::Element(element) if !INLINE.contains(&element.name()) => {
                lines.push(String::new());
            }
            Node::Text(words) if hidden == 0 && depth == 1 => {
                lines
                    .last_mut()
                    .into_iter()
                    .for_each(|line| line.push_str(words));
            }
            Node::Element(_)
            | Node::Text(_)
            | Node::Document
            | Node::Fragment
            | Node::Doctype(_)
            | Node::Comment(_)
            | Node::ProcessingInstruction(_) => {}
        }
    }
    let lines = lines.iter().map(|line| readable(&folded(line)));
    let told: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    told.join("\n")
}

/// White space folded.
pub(super) fn visible_text(node: NodeRef<'_, Node>) -> String {
    let mut text = String::new();
    let mut hidden = 0;
    for edge in node.traverse() {
        let (node, depth) = match edge {
            Edge::Open(node) => (node.value(), 1),
            Edge::Close(node) => (node.value(), -1),
        };
        match node {
            Node::Element(element) if HIDDEN.contains(&element.name()) => hidden += depth,
            Node::Element(element) if !INLINE.contains(&element.name()) => text.push(' '),
            Node::Text(words) if hidden == 0 && depth == 1 => text.push_str(words),
            Node::Element(_)
            | Node::Text(_)
            | Node::Document
            | Node::Fragment
            | Node::Doctype(_)
            | Node::Comment(_)
            | Node::ProcessingInstruction(_) => {}
        }
    }
    folded(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<!doctype html><title>My\n  account</title>\
        <style>p { color: red }</style><script>'User Not Found'</script>\
        <main id=account><p>Signed\n in <b>by</b>&nbsp;card</p><i id=name>DOE, \u{202e}JANE</i></main>";

    #[test]
    fn the_text_of_a_page_is_what_people_read_on_it() {
        let page = html(PAGE);

        assert_eq!(page.title().as_deref(), Some("My account"));
        assert_eq!(
            page.text(),
            "My account Signed in by card DOE, \u{202e}JANE"
        );
    }

    #[test]
    fn an_account_name_is_made_harmless() {
        let page = html(PAGE);

        assert!(page.has(&selector("main#account")));
        assert_eq!(
            page.first(&selector("#name")).as_deref(),
            Some("DOE, \u{FFFD}JANE")
        );
    }

    #[test]
    fn only_html_is_parsed_as_html() {
        for (content_type, has_main, text) in [
            (None, true, true),
            (Some("text/html; charset=utf-8"), true, true),
            (Some("Application/XHTML+xml"), true, true),
            (Some("text/plain"), false, true),
            (Some("application/json"), false, true),
            (Some("image/png"), false, false),
        ] {
            let page = Page::parse(content_type, PAGE.as_bytes()).unwrap();

            assert_eq!(page.has(&selector("main")), has_main, "{content_type:?}");
            assert_eq!(!page.text().is_empty(), text, "{content_type:?}");
        }
    }

    #[test]
    fn markup_made_to_be_costly_is_refused() {
        let deep = "<div>".repeat(200_000);
        let wide = format!("<p {}>", "a=b ".repeat(MOST_ATTRIBUTES + 1));
        // Every paragraph opens all the unclosed <b> of the first once more.
        let many: String = (0..5_000)
            .flat_map(|n| ["<b x=".into(), n.to_string(), ">".into()])
            .collect();
        let growing = format!("<p>{many}</p>{}", "<p>x</p>".repeat(5_000));

        for markup in [deep, wide, growing] {
            let result = Page::parse(None, markup.as_bytes());

            assert!(result.is_err(), "{}", &markup[..40]);
        }
    }

    #[test]
    fn a_large_ordinary_page_is_not_refused() {
        let rows = "<tr><td>a</td><td>b < c</td></tr>".repeat(10_000);
        let body = format!("<table>{rows}</table><p id=last>end</p>");

        let page = html(&body);

        assert!(page.has(&selector("#last")));
    }

    #[test]
    fn matching_does_not_outgrow_the_stack_at_the_greatest_depth() {
        // Below the document, html and body.
        let page = html(&"<div>".repeat(DEEPEST - 3));

        assert!(page.has(&selector("body:has(div div)")));
        assert!(!page.has(&selector("div:has(nav)")));
        assert!(Page::parse(None, "<div>".repeat(DEEPEST).as_bytes()).is_err());
    }

    fn html(text: &str) -> Page {
        Page::parse(Some("text/html"), text.as_bytes()).unwrap()
    }

    fn selector(text: &str) -> Selector {
        Selector::parse(text).unwrap()
    }
}
