//! Fills a form in for a person. What they typed is sent once, and wiped.

use aws_lc_rs::rand;
use bytes::Bytes;
use cac_common::identity::readable;
use cac_common::password::Password;
use scraper::{ElementRef, Html, Selector};
use url::Url;
use zeroize::Zeroizing;

use super::form::{self, LARGEST_BODY, MOST_FIELDS};

const MULTIPART: &str = "multipart/form-data";
/// What a file input is told that the certificate's file is called.
const FILE: &str = "certificate.pem";
const FILE_TYPE: &str = "application/x-pem-file";

/// What goes into a field.
pub enum Value {
    Text(String),
    Password(Password),
    /// PEM; not typed by anyone.
    Certificate(String),
}

/// A form that is filled in. Whoever sends it takes its body out.
pub(super) struct Once {
    pub(super) action: Url,
    /// The page it is on.
    pub(super) page: Url,
    /// Of the fields, in the order in which they are sent.
    pub(super) names: Vec<String>,
    pub(super) content_type: String,
    /// Wiped when the last part of it is sent.
    pub(super) body: Bytes,
}

/// Why a form cannot be filled in as its profile has it: a clause.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misfit(pub(super) String);

struct Wiped {
    bytes: Zeroizing<Vec<u8>>,
    /// What was typed of it. Dropped after the bytes, so that a sleep of the
    /// machine waits for these too.
    _typed: Vec<Value>,
}

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A field as it is sent.
struct Field {
    name: String,
    value: Value,
    is_file: bool,
}

impl Once {
    /// The form that `selector` finds on a page at `url`, with what is hidden in
    /// it, its own values elsewhere, and the button that Enter presses.
    pub(super) fn fill(
        html: &Html,
        selector: &Selector,
        url: &Url,
        mut given: Vec<(String, Value)>,
    ) -> Result<Self, Misfit> {
        let misfit = |why: &str| Misfit(why.to_owned());
        let form = html
            .select(selector)
            .find(|element| element.value().name() == "form")
            .ok_or_else(|| misfit("the form is not on the page"))?;
        let is = |name, value| {
            let text = form.attr(name).unwrap_or_default();
            text.trim().eq_ignore_ascii_case(value)
        };
        if !is("method", "post") {
            return Err(misfit("the form is not sent by POST"));
        }
        let is_multipart = is("enctype", MULTIPART);
        let mut fields = Vec::new();
        // The one that Enter presses.
        let button = form::elements(*form).find(|element| is_button(*element));
        if button.is_some_and(is_odd) {
            return Err(misfit("its button sends the form elsewhere or otherwise"));
        }
        for element in form::elements(*form) {
            if is_button(element) && Some(element) != button {
                continue;
            }
            if let Some(field) = take(element, &mut given)? {
                fields.push(field);
            }
        }
        if let Some((name, _)) = given.first() {
            return Err(Misfit(format!("the form has no field {}", readable(name))));
        }
        if !is_multipart && fields.iter().any(|field| field.is_file) {
            return Err(misfit(
                "the form takes a file, and is not sent as one with files",
            ));
        }
        let size = fields.iter().map(Field::size).sum::<usize>();
        if fields.len() > MOST_FIELDS || size > LARGEST_BODY {
            return Err(misfit("the form is too large"));
        }
        let action = form::action(html, form, url)
            .ok_or_else(|| misfit("the form is sent to no address"))?;
        let (content_type, body) = if is_multipart {
            multipart(&fields).ok_or_else(|| misfit("there is no boundary for its parts"))?
        } else {
            (form::Form::CONTENT_TYPE.to_owned(), encoded(&fields))
        };
        let fields = fields.into_iter();
        let (names, values): (_, Vec<_>) = fields.map(|field| (field.name, field.value)).unzip();
        let is_typed = |value: &Value| matches!(value, Value::Password(_));
        Ok(Self {
            action,
            page: url.clone(),
            names,
            content_type,
            body: Bytes::from_owner(Wiped {
                bytes: body,
                _typed: values.into_iter().filter(is_typed).collect(),
            }),
        })
    }
}

/// What an element of a form is sent as, if it is.
fn take(
    element: ElementRef<'_>,
    given: &mut Vec<(String, Value)>,
) -> Result<Option<Field>, Misfit> {
    let name = element.attr("name").unwrap_or_default();
    if name.is_empty() || element.attr("disabled").is_some() {
        return Ok(None);
    }
    let tag = element.value().name();
    let kind = kind(element);
    let is_field = matches!(tag, "input" | "select" | "textarea") && kind != "hidden";
    let place = given.iter().position(|(wanted, _)| wanted == name);
    if let Some(place) = place.filter(|_| is_field && !is_button(element)) {
        let (name, value) = given.remove(place);
        let is_file = kind == "file";
        if is_file && !matches!(value, Value::Certificate(_)) {
            return Err(Misfit(format!("field {} takes a file", readable(&name))));
        }
        return Ok(Some(Field {
            name,
            value,
            is_file,
        }));
    }
    let value = element.attr("value").unwrap_or_default();
    let own = match (tag, kind.as_str()) {
        ("input", "password") => {
            return Err(Misfit(format!(
                "it asks for a secret, {}, that the profile does not name",
                readable(name)
            )));
        }
        ("input", "checkbox" | "radio") if element.attr("checked").is_none() => return Ok(None),
        ("input", "checkbox" | "radio") => element.attr("value").unwrap_or("on").to_owned(),
        ("input", "button" | "reset" | "image" | "file") | ("button", "button" | "reset") => {
            return Ok(None);
        }
        ("input" | "button", _) => value.to_owned(),
        ("select", _) => chosen(element).unwrap_or_default().to_owned(),
        ("textarea", _) => element.text().collect(),
        _ => return Ok(None),
    };
    Ok(Some(Field {
        name: name.to_owned(),
        value: Value::Text(own),
        is_file: false,
    }))
}

fn kind(element: ElementRef<'_>) -> String {
    let kind = element.attr("type").unwrap_or_default();
    kind.to_ascii_lowercase()
}

/// It sends the form.
fn is_button(element: ElementRef<'_>) -> bool {
    match (element.value().name(), kind(element).as_str()) {
        ("input", "submit" | "image") => true,
        ("button", kind) => !matches!(kind, "button" | "reset"),
        _ => false,
    }
}

/// The value of the option that stands chosen.
fn chosen(select: ElementRef<'_>) -> Option<&str> {
    let mut options = form::elements(*select).filter(|it| it.value().name() == "option");
    let first = options.next()?;
    let chosen = std::iter::once(first)
        .chain(options)
        .find(|option| option.attr("selected").is_some());
    chosen.unwrap_or(first).attr("value")
}

fn is_odd(button: ElementRef<'_>) -> bool {
    ["formaction", "formmethod", "formenctype"]
        .iter()
        .any(|name| button.attr(name).is_some())
}

impl Field {
    fn size(&self) -> usize {
        self.name.len() + self.bytes().len()
    }

    fn bytes(&self) -> &[u8] {
        match &self.value {
            Value::Text(text) | Value::Certificate(text) => text.as_bytes(),
            Value::Password(password) => password.bytes(),
        }
    }
}

/// As [`form::Form::CONTENT_TYPE`]; it never grows, which would leave copies.
fn encoded(fields: &[Field]) -> Zeroizing<Vec<u8>> {
    let most: usize = fields.iter().map(|field| 3 * 2 * field.size() + 2).sum();
    let mut body = Zeroizing::new(Vec::with_capacity(most));
    for field in fields {
        if !body.is_empty() {
            body.push(b'&');
        }
        encode(field.name.as_bytes(), &mut body);
        body.push(b'=');
        encode(field.bytes(), &mut body);
    }
    body
}

/// With CR LF for each end of a line, as a browser sends them.
fn encode(bytes: &[u8], body: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut before = 0;
    for &byte in bytes {
        match byte {
            b' ' => body.push(b'+'),
            b'\n' if before != b'\r' => body.extend(b"%0D%0A"),
            b'*' | b'-' | b'.' | b'_' => body.push(byte),
            _ if byte.is_ascii_alphanumeric() => body.push(byte),
            _ => body.extend([
                b'%',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ]),
        }
        before = byte;
    }
}

/// RFC 7578, with the boundary that parts it.
fn multipart(fields: &[Field]) -> Option<(String, Zeroizing<Vec<u8>>)> {
    let mut random = [0; 16];
    rand::fill(&mut random).ok()?;
    let boundary = format!("cacd-{:032x}", u128::from_ne_bytes(random));
    // What stands around each part is shorter than that.
    let most: usize = fields.iter().map(|field| 3 * field.size() + 300).sum();
    let mut body = Zeroizing::new(Vec::with_capacity(most + boundary.len() + 8));
    for field in fields {
        let name = field
            .name
            .replace('"', "%22")
            .replace('\r', "%0D")
            .replace('\n', "%0A");
        let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"");
        body.extend(head.as_bytes());
        if field.is_file {
            let file = format!("; filename=\"{FILE}\"\r\nContent-Type: {FILE_TYPE}");
            body.extend(file.as_bytes());
        }
        body.extend(b"\r\n\r\n");
        body.extend(field.bytes());
        body.extend(b"\r\n");
    }
    body.extend(format!("--{boundary}--\r\n").as_bytes());
    Some((format!("{MULTIPART}; boundary={boundary}"), body))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use cac_common::locked::{Locked, close_once_wiped};
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::super::page;
    use super::*;

    const PAGE: &str = "https://portal.example.mil/account/card?x=1#top";

    #[test]
    fn a_form_is_filled_in_as_a_browser_does() {
        let once = filled(
            "<form id=f method=post action='../register?b=2'>\
             <input type=hidden name=csrf value='a+b'><input name=user value=old>\
             <input type=password name=password><input type=checkbox name=keep value=1>\
             <input type=checkbox name=agree checked><select name=unit><option value=a>A\
             <option value=b selected>B</select><textarea name=note>one\ntwo</textarea>\
             <input type=file name=photo><input name=off value=1 disabled><input value=nameless>\
             <button type=button name=help value=1>?</button>\
             <button name=do value=register>Register</button><button name=do value=drop>x</button>\
             </form>",
            vec![
                ("user", text("jane doe")),
                ("password", password("p&w=\u{e9}%+")),
            ],
        )
        .unwrap();

        assert_eq!(
            once.action.as_str(),
            "https://portal.example.mil/register?b=2"
        );
        assert_eq!(once.content_type, "application/x-www-form-urlencoded");
        assert_eq!(
            std::str::from_utf8(&once.body).unwrap(),
            "csrf=a%2Bb&user=jane+doe&password=p%26w%3D%C3%A9%25%2B&agree=on&unit=b\
             &note=one%0D%0Atwo&do=register"
        );
        assert_eq!(
            once.names,
            ["csrf", "user", "password", "agree", "unit", "note", "do"]
        );
    }

    #[test]
    fn a_certificate_goes_along_as_text_or_as_a_file() {
        let pem = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
        let given = || vec![("cert", Value::Certificate(pem.into()))];
        let as_text = "<form id=f method=post><textarea name=cert></textarea></form>";
        let as_file = "<form id=f method=post enctype=Multipart/Form-Data>\
             <input type=hidden name='a\"b' value=1><input type=file name=cert></form>";

        let text = filled(as_text, given()).unwrap();
        let file = filled(as_file, given()).unwrap();

        assert!(
            text.body
                .starts_with(b"cert=-----BEGIN+CERTIFICATE-----%0D%0AAA%3D%3D%0D%0A")
        );
        let (_, boundary) = file
            .content_type
            .split_once("multipart/form-data; boundary=")
            .unwrap();
        assert_eq!(
            std::str::from_utf8(&file.body).unwrap(),
            format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"a%22b\"\r\n\r\n1\r\n\
                 --{boundary}\r\nContent-Disposition: form-data; name=\"cert\"; \
                 filename=\"certificate.pem\"\r\nContent-Type: application/x-pem-file\r\n\r\n\
                 {pem}\r\n--{boundary}--\r\n"
            )
        );
    }

    #[test]
    fn the_machine_waits_with_its_sleep_until_the_body_is_gone() {
        let markup = "<form id=f method=post><input type=password name=password></form>";
        let once = filled(markup, vec![("password", password("secret"))]).unwrap();
        let being_sent = once.body.clone();
        drop(once);
        let (mut watched, inhibitor) = std::io::pipe().unwrap();

        close_once_wiped(inhibitor.into());
        let mut polled = [PollFd::new(&watched, PollFlags::IN)];
        let closed = poll(&mut polled, Some(&Timespec::default())).unwrap();
        drop(being_sent);

        assert_eq!(closed, 0, "it sleeps, and the password is there");
        assert_eq!(watched.read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn what_does_not_fit_the_form_is_named_and_not_sent() {
        let both = || vec![("user", text("jane")), ("password", password("x"))];
        for (markup, given, why) in [
            ("<form id=g method=post></form>", both(), "not on the page"),
            ("<div id=f></div>", both(), "not on the page"),
            (
                "<form id=f><input name=user></form>",
                both(),
                "not sent by POST",
            ),
            ("<form id=f method=get></form>", both(), "not sent by POST"),
            (
                "<form id=f method=post><input name=user></form>",
                both(),
                "no field password",
            ),
            // A name alone is no place to type at.
            (
                "<form id=f method=post><input type=hidden name=user><input name=password></form>",
                both(),
                "no field user",
            ),
            (
                "<form id=f method=post><input name=user><input type=password name=pin>\
                 <input type=password name=password></form>",
                both(),
                "a secret, pin,",
            ),
            (
                "<form id=f method=post><input name=user><input name=password>\
                 <button formaction=//elsewhere.example>Go</button></form>",
                both(),
                "elsewhere",
            ),
            (
                "<form id=f method=post action='https://['><input name=user>\
                 <input name=password></form>",
                both(),
                "no address",
            ),
            (
                "<form id=f method=post><input type=file name=cert></form>",
                vec![("cert", Value::Certificate("x".into()))],
                "takes a file, and is not sent",
            ),
            (
                "<form id=f method=post enctype=multipart/form-data>\
                 <input type=file name=password></form>",
                vec![("password", password("x"))],
                "takes a file",
            ),
        ] {
            let Err(Misfit(told)) = filled(markup, given) else {
                panic!("{markup} was filled in");
            };

            assert!(told.contains(why), "{markup}: {told}");
        }
    }

    fn filled(markup: &str, given: Vec<(&str, Value)>) -> Result<Once, Misfit> {
        let given = given.into_iter();
        let given = given
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Once::fill(
            &page::parse(markup).unwrap(),
            &Selector::parse("#f").unwrap(),
            &Url::parse(PAGE).unwrap(),
            given,
        )
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn password(text: &str) -> Value {
        let mut bytes = Locked::new().unwrap();
        bytes.bytes_mut()[..text.len()].copy_from_slice(text.as_bytes());
        Value::Password(Password::new(bytes, text.len()).unwrap())
    }
}
