//! A form that a page sends by itself, as the POST bindings of SAML and of
//! WS-Federation have it (SAML 2.0 bindings, 3.5.4).
//!
//! No script is run here: what a page offers to those who run none, or does
//! when it is loaded, gives it away. Whatever else has something for a person
//! to fill in or to press is theirs to send.

use ego_tree::NodeRef;
use scraper::{ElementRef, Html, Node, Selector};
use url::{Url, form_urlencoded};

use super::page;

/// SAML and WS-Federation need two or three.
pub(super) const MOST_FIELDS: usize = 64;
/// As it is sent. A response with its certificates is about 20 kB.
pub(super) const LARGEST_BODY: usize = 256 << 10;
/// What sending it looks like in `onload`, and nothing else does.
const CALL: &str = ".submit()";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) action: Url,
    /// Of the fields, in the order in which they are sent.
    pub(super) names: Vec<String>,
    /// As [`Form::CONTENT_TYPE`].
    pub(super) body: String,
}

impl Form {
    pub(super) const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

    /// The only form of a page at `url`, if the page sends it by itself.
    pub(super) fn sent_by_itself(html: &Html, url: &Url) -> Option<Self> {
        let mut form = None;
        let mut base = None;
        let mut is_sent_on_load = false;
        let mut has_button = false;
        for element in elements(html.tree.root()) {
            match Part::of(element) {
                Some(Part::Form) if form.is_some() => return None,
                Some(Part::Form) => form = Some(element),
                Some(Part::Visible) => return None,
                Some(Part::Button { .. }) => has_button = true,
                Some(Part::Hidden) | None => {}
            }
            let is_for_a_person =
                element.attr("onclick").is_some() || element.attr("role") == Some("button");
            if is_for_a_person {
                return None;
            }
            match element.value().name() {
                "base" if base.is_none() => base = element.attr("href"),
                "body" => is_sent_on_load |= calls_submit(element.attr("onload")),
                // What is in it is not there yet.
                "template" => return None,
                _ => {}
            }
        }
        let form = form.filter(|form| is_posted(*form))?;
        if !is_sent_on_load && (has_button || !has_button_without_scripts(form)) {
            return None;
        }
        let fields = fields(form)?;
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&fields)
            .finish();
        if body.len() > LARGEST_BODY {
            return None;
        }
        let base = base.map_or(Some(url.clone()), |base| url.join(base).ok())?;
        let action = match form.attr("action").map(str::trim) {
            None | Some("") => url.clone(),
            Some(action) => base.join(action).ok()?,
        };
        Some(Self {
            action,
            names: fields.into_iter().map(|(name, _)| name).collect(),
            body,
        })
    }
}

impl Form {
    /// The form that `selector` finds, as one sends it who presses `button`, or
    /// its only one: what is hidden in it, and boxes that have to be ticked.
    /// Nothing where there is more for a person to fill in or to choose.
    pub(super) fn accepting(
        html: &Html,
        selector: &Selector,
        button: Option<&Selector>,
        url: &Url,
    ) -> Option<Self> {
        let form = html.select(selector).next()?;
        if form.value().name() != "form" || !is_posted(form) {
            return None;
        }
        let mut pairs = fields(form)?;
        let mut pressed = None;
        for element in elements(*form) {
            let is_required_box = element.attr("type").is_some_and(|kind| {
                kind.eq_ignore_ascii_case("checkbox") && element.attr("required").is_some()
            });
            match Part::of(element) {
                Some(Part::Visible) if !is_required_box || is_odd(element) => return None,
                Some(Part::Visible) => {
                    let value = element.attr("value").unwrap_or("on");
                    pairs.push((element.attr("name")?.to_owned(), value.to_owned()));
                }
                Some(Part::Button { sends: true }) => {
                    if button.is_some_and(|button| !button.matches(&element)) {
                        continue;
                    }
                    if pressed.is_some() || is_odd(element) {
                        return None;
                    }
                    pressed = Some(element);
                }
                Some(Part::Form | Part::Hidden | Part::Button { .. }) | None => {}
            }
        }
        let pressed = pressed?;
        if let Some(name) = pressed.attr("name").filter(|name| !name.is_empty()) {
            let value = pressed.attr("value").unwrap_or_default();
            pairs.push((name.to_owned(), value.to_owned()));
        }
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&pairs)
            .finish();
        let action = action(html, form, url)?;
        (body.len() <= LARGEST_BODY && pairs.len() <= MOST_FIELDS).then(|| Self {
            action,
            names: pairs.into_iter().map(|(name, _)| name).collect(),
            body,
        })
    }
}

/// Where a form on a page at `url` is sent.
pub(super) fn action(html: &Html, form: ElementRef<'_>, url: &Url) -> Option<Url> {
    let mut bases = elements(html.tree.root()).filter(|it| it.value().name() == "base");
    let base = bases.find_map(|it| it.attr("href"));
    let base = base.map_or(Some(url.clone()), |base| url.join(base).ok())?;
    match form.attr("action").map(str::trim) {
        None | Some("") => Some(url.clone()),
        Some(action) => base.join(action).ok(),
    }
}

/// It is off, or sends the form elsewhere or otherwise.
fn is_odd(element: ElementRef<'_>) -> bool {
    [
        "disabled",
        "formaction",
        "formmethod",
        "formenctype",
        "form",
    ]
    .iter()
    .any(|name| element.attr(name).is_some())
}

/// What an element means to the sending of a form.
enum Part {
    Form,
    /// A field that nobody sees.
    Hidden,
    /// One that a person fills in.
    Visible,
    Button {
        sends: bool,
    },
}

impl Part {
    fn of(element: ElementRef<'_>) -> Option<Self> {
        let kind = element
            .attr("type")
            .unwrap_or_default()
            .to_ascii_lowercase();
        Some(match (element.value().name(), kind.as_str()) {
            ("form", _) => Self::Form,
            ("input", "hidden") => Self::Hidden,
            ("input" | "button", "button" | "reset") => Self::Button { sends: false },
            ("input", "submit" | "image") | ("button", _) => Self::Button { sends: true },
            ("input" | "select" | "textarea", _) => Self::Visible,
            _ => return None,
        })
    }
}

pub(super) fn elements(node: NodeRef<'_, Node>) -> impl Iterator<Item = ElementRef<'_>> {
    node.descendants().filter_map(ElementRef::wrap)
}

fn is_posted(form: ElementRef<'_>) -> bool {
    let is = |name, value| {
        let text = form.attr(name)?;
        Some(text.trim().eq_ignore_ascii_case(value))
    };
    is("method", "post") == Some(true) && is("enctype", Form::CONTENT_TYPE) != Some(false)
}

fn calls_submit(script: Option<&str>) -> bool {
    let script: String = script
        .unwrap_or_default()
        .chars()
        .filter(|it| !it.is_whitespace())
        .collect();
    let mut statements = script.split(';').filter(|it| !it.is_empty()).peekable();
    // What does more than call may wait for a person.
    statements.peek().is_some()
        && statements
            .all(|it| it.ends_with(CALL) && !it.contains(['{', '}', '=', '?', '&', '|', ',']))
}

/// A browser that runs scripts shows nothing of a `<noscript>`, and has it as text.
fn has_button_without_scripts(form: ElementRef<'_>) -> bool {
    let mut has_button = false;
    for element in elements(*form).filter(|it| it.value().name() == "noscript") {
        let Ok(inside) = page::parse(&element.text().collect::<String>()) else {
            return false;
        };
        for element in elements(inside.tree.root()) {
            match Part::of(element) {
                Some(Part::Button { sends: true }) => has_button = true,
                Some(Part::Visible | Part::Form) => return false,
                Some(Part::Hidden | Part::Button { sends: false }) | None => {}
            }
        }
    }
    has_button
}

/// Name and value of each, in their order; `None` where they are too many or too large.
fn fields(form: ElementRef<'_>) -> Option<Vec<(String, String)>> {
    let mut fields = Vec::new();
    let mut size = 0;
    for field in elements(*form).filter(|it| matches!(Part::of(*it), Some(Part::Hidden))) {
        let name = field.attr("name").unwrap_or_default();
        if name.is_empty() || field.attr("disabled").is_some() {
            continue;
        }
        let value = field.attr("value").unwrap_or_default();
        size += name.len() + value.len();
        if fields.len() == MOST_FIELDS || size > LARGEST_BODY {
            return None;
        }
        fields.push((with_line_ends(name), with_line_ends(value)));
    }
    Some(fields)
}

/// CR LF for each end of a line, as a browser sends them.
fn with_line_ends(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .replace('\n', "\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDP: &str = "https://idp.example.mil/sso/start?x=1";

    #[test]
    fn forms_as_identity_providers_write_them_are_sent() {
        for (markup, names) in [
            // With a button for those without scripts in it, and an onload.
            (
                "<html><body onload='document.forms[0].submit()'><noscript><p>Note</p></noscript>\
                 <form action='https&#x3a;&#x2f;&#x2f;sp.example.mil&#x2f;acs' method=post><div>\
                 <input type=hidden name=RelayState value=cookie&#x3a;1>\
                 <input type=hidden name=SAMLResponse value='PD94+/=='></div><noscript><div>\
                 <input type=submit value=Continue></div></noscript></form></body></html>",
                ["RelayState", "SAMLResponse"],
            ),
            // A script of its own sends it.
            (
                "<form method=POST name=hiddenform action=https://sp.example.mil/acs>\
                 <input type=hidden name=wa value=wsignin1.0><input type=Hidden name=wresult>\
                 <noscript><p>Script is disabled</p><button>Submit</button></noscript></form>\
                 <script>window.setTimeout('document.forms[0].submit()', 0);</script>",
                ["wa", "wresult"],
            ),
            // A button that nobody has the time to press.
            (
                "<BODY Onload=\"javascript: document.forms[0].submit ();\"><FORM METHOD=POST \
                 ACTION=https://sp.example.mil/acs><INPUT TYPE=HIDDEN NAME=a VALUE=1>\
                 <INPUT TYPE=HIDDEN NAME=b VALUE=2><INPUT TYPE=SUBMIT VALUE=Go></FORM></BODY>",
                ["a", "b"],
            ),
        ] {
            let form = form(markup).unwrap();

            assert_eq!(
                form.action.as_str(),
                "https://sp.example.mil/acs",
                "{markup}"
            );
            assert_eq!(form.names, names, "{markup}");
        }
    }

    #[test]
    fn values_are_encoded_as_a_browser_does() {
        let form = form(
            "<body onload=document.forms[0].submit()><form method=post action='../acs?b=2#c'>\
             <input type=hidden name='a b&amp;c' value='1+1=2 &lt;é>'>\
             <input type=hidden name=lines value='one\ntwo&#13;&#10;three'>\
             <input type=hidden name=off value=1 disabled><input type=hidden value=nameless>\
             <input type=hidden name=empty><input type=hidden name=empty value=~*-._></form>",
        )
        .unwrap();

        assert_eq!(
            form.body,
            "a+b%26c=1%2B1%3D2+%3C%C3%A9%3E&lines=one%0D%0Atwo%0D%0Athree&empty=&empty=%7E*-._"
        );
        assert_eq!(form.action.as_str(), "https://idp.example.mil/acs?b=2#c");
    }

    #[test]
    fn the_address_is_taken_from_the_page() {
        for (action, base, to) in [
            ("", "", IDP),
            ("action=' '", "", IDP),
            ("action=acs", "", "https://idp.example.mil/sso/acs"),
            (
                "action=//sp.example.mil/acs",
                "",
                "https://sp.example.mil/acs",
            ),
            (
                "action=acs",
                "<base href=/other/>",
                "https://idp.example.mil/other/acs",
            ),
            (
                "action=http://sp.example.mil/",
                "",
                "http://sp.example.mil/",
            ),
        ] {
            let form = form(&format!(
                "{base}<body onload=document.forms[0].submit()><form method=post {action}></form>"
            ));

            assert_eq!(form.unwrap().action.as_str(), to, "{action} {base}");
        }
    }

    #[test]
    fn what_is_for_a_person_to_send_is_left_to_them() {
        let hidden = "<input type=hidden name=a value=1>";
        let noscript = "<noscript><input type=submit></noscript>";
        for markup in [
            // Nothing shows that it is sent.
            format!("<form method=post>{hidden}</form>"),
            format!("<form method=post>{hidden}</form>{noscript}"),
            format!("<form method=post>{hidden}<button>I accept</button></form>"),
            format!("<form method=post>{hidden}<button>I accept</button>{noscript}</form>"),
            format!(
                "<body onload=\"document.getElementById('submit').focus()\"><form method=post>{hidden}<button id=submit>I accept</button></form>"
            ),
            format!("<form method=post>{hidden}<noscript><p>Scripts!</p></noscript></form>"),
            format!("<form method=post>{hidden}<noscript><button type=reset></noscript></form>"),
            // Something is there to be filled in.
            format!(
                "<body onload=disableSubmit()><form method=post>{hidden}<button>I accept</button></form>"
            ),
            format!(
                "<body onload='b.onclick=function(){{f.submit()}}'><form method=post>{hidden}<button>I accept</button></form>"
            ),
            format!(
                "<form method=post>{hidden}<a onclick=f.submit()>I accept</a><noscript><input type=submit></noscript></form>"
            ),
            format!(
                "<body onload=document.forms[0].submit()><form method=post>{hidden}<input name=user></form>"
            ),
            format!(
                "<body onload=document.forms[0].submit()><form method=post>{hidden}<input type=password name=p></form>"
            ),
            format!(
                "<body onload=document.forms[0].submit()><form method=post>{hidden}<textarea></textarea></form>"
            ),
            format!(
                "<body onload=document.forms[0].submit()><form method=post>{hidden}<select></select></form>"
            ),
            format!(
                "<body onload=document.forms[0].submit()><form method=post>{hidden}</form><input type=checkbox>"
            ),
            format!(
                "<form method=post>{hidden}<noscript><input name=user><button></noscript></form>"
            ),
            // Which one?
            format!(
                "<body onload=document.forms[0].submit()><form method=post>{hidden}</form><form></form>"
            ),
            // Not as it is sent here.
            format!("<body onload=document.forms[0].submit()><form>{hidden}</form>"),
            format!("<body onload=document.forms[0].submit()><form method=get>{hidden}</form>"),
            format!(
                "<body onload=document.forms[0].submit()><form method=post enctype=multipart/form-data>{hidden}</form>"
            ),
            format!(
                "<body onload=document.forms[0].submit()><template><form method=post>{hidden}</form></template>"
            ),
            format!(
                "<body onload=document.forms[0].submit()><form method=post action='https://['>{hidden}</form>"
            ),
            "<body onload=document.forms[0].submit()>".into(),
        ] {
            assert_eq!(form(&markup), None, "{markup}");
        }
    }

    #[test]
    fn a_form_has_a_largest_size() {
        let with = |fields: &str| {
            form(&format!(
                "<body onload=document.forms[0].submit()><form method=post>{fields}</form>"
            ))
        };
        let field = "<input type=hidden name=a value=1>";
        let large = |size| format!("<input type=hidden name=a value='{}'>", "x".repeat(size));
        // Three bytes each, once encoded.
        let growing = format!(
            "<input type=hidden name=a value='{}'>",
            "+".repeat(LARGEST_BODY / 3)
        );

        assert_eq!(
            with(&field.repeat(MOST_FIELDS)).unwrap().names.len(),
            MOST_FIELDS
        );
        assert_eq!(with(&field.repeat(MOST_FIELDS + 1)), None);
        assert_eq!(
            with(&large(LARGEST_BODY - 2)).unwrap().body.len(),
            LARGEST_BODY
        );
        assert_eq!(with(&large(LARGEST_BODY - 1)), None);
        assert_eq!(with(&growing), None);
    }

    fn form(markup: &str) -> Option<Form> {
        Form::sent_by_itself(&page::parse(markup).unwrap(), &Url::parse(IDP).unwrap())
    }
}
