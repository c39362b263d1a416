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

struct Wiped(Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.0
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
        Ok(Self {
            action,
            page: url.clone(),
            names: fields.into_iter().map(|field| field.name).collect(),
            content_type,
            body: Bytes::from_owner(Wiped(body)),
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
        ("input", "button" | "reset" | "image" | "file") => return Ok(None),
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
    let boundary = format!("cacd-{}", super::consent::hex(&random));
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
