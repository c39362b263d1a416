//! Messages of D-Bus (D-Bus specification, "Message Protocol"): as much of
//! them as it takes to ask logind and to hear it.
//!
//! A length is believed only where as many bytes are there, and what is not
//! wanted is stepped over without being looked into.

/// The longest message that is taken; logind's are a few kilobytes.
pub const LONGEST: usize = 1024 * 1024;

/// The longest there is (D-Bus specification, "Message Format").
const LONGEST_OF_ALL: usize = 128 * 1024 * 1024;

/// What every message begins with, up to and with the length of its fields.
pub const HEAD: usize = 16;

/// How deep structs and variants may lie in each other (D-Bus specification,
/// "Valid Signatures": 32 structs; a variant counts like one here).
const DEEPEST: usize = 32;

/// Of the header's fields (D-Bus specification, "Header Fields").
mod field {
    pub(super) const PATH: u8 = 1;
    pub(super) const INTERFACE: u8 = 2;
    pub(super) const MEMBER: u8 = 3;
    pub(super) const ERROR_NAME: u8 = 4;
    pub(super) const REPLY_SERIAL: u8 = 5;
    pub(super) const DESTINATION: u8 = 6;
    pub(super) const SENDER: u8 = 7;
    pub(super) const SIGNATURE: u8 = 8;
    pub(super) const UNIX_FDS: u8 = 9;
}

/// Of messages (D-Bus specification, "Message Format").
const METHOD_CALL: u8 = 1;

/// The bytes are no message, or not the one they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("message is malformed at byte {at}: {what}")]
pub struct Malformed {
    pub at: usize,
    pub what: &'static str,
}

/// One message, its header taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// The serial of the call that it answers.
    pub reply_to: Option<u32>,
    pub path: String,
    pub interface: String,
    pub member: String,
    /// Of an answer that says no.
    pub error: Option<String>,
    pub sender: String,
    pub descriptors: u32,
    signature: String,
    body: Vec<u8>,
    is_big_endian: bool,
}

/// A method of somebody.
#[derive(Debug, Clone, Copy)]
pub struct Method<'a> {
    pub destination: &'a str,
    pub path: &'a str,
    pub interface: &'a str,
    pub member: &'a str,
}

impl Message {
    /// How long the message is that begins so; perhaps longer than [`LONGEST`].
    pub fn length(head: &[u8; HEAD]) -> Result<usize, Malformed> {
        let mut reader = Reader::of_message(head)?;
        let body = reader.u32()?;
        let _serial = reader.u32()?;
        let fields = reader.u32()?;
        let whole = u64::from(body) + u64::from(fields).next_multiple_of(8) + HEAD as u64;
        usize::try_from(whole)
            .ok()
            .filter(|whole| *whole <= LONGEST_OF_ALL)
            .ok_or(Malformed {
                at: 4,
                what: "it is too long",
            })
    }

    /// Reads a whole message.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::of_message(bytes)?;
        let mut message = Self {
            is_big_endian: reader.is_big_endian,
            ..Self::default()
        };
        let body = reader.u32()?;
        let _serial = reader.u32()?;
        let mut fields = reader.array(8)?;
        while !fields.is_at_end() {
            message.take_field(&mut fields)?;
        }
        reader.align(8)?;
        let body = usize::try_from(body).map_err(|_| reader.fault("its body is too long"))?;
        message.body = reader.take(body)?.to_vec();
        if !reader.is_at_end() {
            return Err(reader.fault("something follows its body"));
        }
        Ok(message)
    }

    fn take_field(&mut self, fields: &mut Reader<'_>) -> Result<(), Malformed> {
        fields.align(8)?;
        let code = fields.byte()?;
        match (code, fields.signature()?) {
            (field::PATH, "o") => fields.text()?.clone_into(&mut self.path),
            (field::INTERFACE, "s") => fields.text()?.clone_into(&mut self.interface),
            (field::MEMBER, "s") => fields.text()?.clone_into(&mut self.member),
            (field::ERROR_NAME, "s") => self.error = Some(fields.text()?.to_owned()),
            (field::REPLY_SERIAL, "u") => self.reply_to = Some(fields.u32()?),
            (field::SENDER, "s") => fields.text()?.clone_into(&mut self.sender),
            (field::SIGNATURE, "g") => fields.signature()?.clone_into(&mut self.signature),
            (field::UNIX_FDS, "u") => self.descriptors = fields.u32()?,
            (_, other) => fields.skip(other)?,
        }
        Ok(())
    }

    /// What it says, if it is of this kind.
    pub fn body(&self, signature: &str) -> Result<Reader<'_>, Malformed> {
        let reader = Reader {
            bytes: &self.body,
            at: 0,
            is_big_endian: self.is_big_endian,
        };
        if self.signature == signature {
            Ok(reader)
        } else {
            Err(reader.fault("it says something else than it should"))
        }
    }
}

/// Reads values where they stand, each at its alignment.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    is_big_endian: bool,
}

impl<'a> Reader<'a> {
    /// From the version on, which stands before the length of the body.
    fn of_message(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let is_big_endian = match bytes.first() {
            Some(b'l') => false,
            Some(b'B') => true,
            _ => {
                return Err(Malformed {
                    at: 0,
                    what: "it has no byte order",
                });
            }
        };
        let reader = Self {
            bytes,
            at: 3,
            is_big_endian,
        };
        match bytes.get(3) {
            Some(1) => Ok(reader),
            Some(_) => Err(reader.fault("its version is not 1")),
            None => Err(Malformed {
                at: bytes.len(),
                what: "it ends too early",
            }),
        }
    }

    pub fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub fn byte(&mut self) -> Result<u8, Malformed> {
        self.take(1)?
            .first()
            .copied()
            .ok_or_else(|| self.fault("it ends too early"))
    }

    pub fn u32(&mut self) -> Result<u32, Malformed> {
        self.align(4)?;
        let bytes = self.take(4)?;
        let bytes = bytes
            .try_into()
            .map_err(|_| self.fault("it ends too early"))?;
        Ok(if self.is_big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        })
    }

    pub fn bool(&mut self) -> Result<bool, Malformed> {
        match self.u32()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.fault("a boolean is neither 0 nor 1")),
        }
    }

    /// A string, or an object path.
    pub fn text(&mut self) -> Result<&'a str, Malformed> {
        let length = self.length()?;
        self.terminated(length)
    }

    pub fn signature(&mut self) -> Result<&'a str, Malformed> {
        let length = usize::from(self.byte()?);
        self.terminated(length)
    }

    /// The elements of an array, which begin at multiples of `alignment`.
    pub fn array(&mut self, alignment: usize) -> Result<Self, Malformed> {
        let length = self.length()?;
        self.align(alignment)?;
        let at = self.at;
        self.take(length)?;
        let bytes = self.bytes.get(..self.at);
        Ok(Self {
            bytes: bytes.ok_or_else(|| self.fault("an array ends too early"))?,
            at,
            is_big_endian: self.is_big_endian,
        })
    }

    pub fn align(&mut self, to: usize) -> Result<(), Malformed> {
        let padding = self.at.next_multiple_of(to) - self.at;
        self.take(padding).map(|_| ())
    }

    /// Steps over one value.
    pub fn skip(&mut self, signature: &str) -> Result<(), Malformed> {
        if type_length(signature.as_bytes()) != Some(signature.len()) {
            return Err(self.fault("a signature is not one of a value"));
        }
        self.skip_all(signature.as_bytes(), 0)
    }

    fn skip_all(&mut self, mut signature: &[u8], depth: usize) -> Result<(), Malformed> {
        if depth > DEEPEST {
            return Err(self.fault("values lie too deep in each other"));
        }
        while let Some(length) = type_length(signature) {
            let (one, rest) = signature.split_at(length);
            signature = rest;
            match one {
                [b'y'] => self.step(1)?,
                [b'n' | b'q'] => self.step(2)?,
                [b'b' | b'i' | b'u' | b'h'] => self.step(4)?,
                [b'x' | b't' | b'd'] => self.step(8)?,
                [b's' | b'o'] => self.text().map(|_| ())?,
                [b'g'] => self.signature().map(|_| ())?,
                [b'v'] => {
                    let within = self.signature()?.as_bytes();
                    if type_length(within) != Some(within.len()) {
                        return Err(self.fault("a variant does not hold one value"));
                    }
                    self.skip_all(within, depth + 1)?;
                }
                [b'a', element, ..] => self.array(alignment(*element)).map(|_| ())?,
                [b'(' | b'{', within @ .., _] => {
                    self.align(8)?;
                    self.skip_all(within, depth + 1)?;
                }
                _ => return Err(self.fault("a signature has an unknown type")),
            }
        }
        if signature.is_empty() {
            Ok(())
        } else {
            Err(self.fault("a signature is cut short"))
        }
    }

    fn step(&mut self, size: usize) -> Result<(), Malformed> {
        self.align(size)?;
        self.take(size).map(|_| ())
    }

    fn length(&mut self) -> Result<usize, Malformed> {
        let length = self.u32()?;
        usize::try_from(length).map_err(|_| self.fault("a length is too large"))
    }

    fn terminated(&mut self, length: usize) -> Result<&'a str, Malformed> {
        let text = self.take(length)?;
        if self.byte()? != 0 {
            return Err(self.fault("a text does not end where it should"));
        }
        std::str::from_utf8(text).map_err(|_| self.fault("a text is not UTF-8"))
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let end = self.at.checked_add(count);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| self.fault("it ends too early"))?;
        self.at += count;
        Ok(taken)
    }

    fn fault(&self, what: &'static str) -> Malformed {
        Malformed { at: self.at, what }
    }
}

/// How long the first complete type of a signature is.
fn type_length(signature: &[u8]) -> Option<usize> {
    let arrays = signature.iter().take_while(|it| **it == b'a').count();
    let mut open = 0usize;
    for (at, one) in signature.iter().enumerate().skip(arrays) {
        match one {
            b'(' | b'{' => open += 1,
            b')' | b'}' => open = open.checked_sub(1)?,
            _ => {}
        }
        if open == 0 {
            return Some(at + 1);
        }
    }
    None
}

/// Where values of a type begin (D-Bus specification, "Marshaling").
fn alignment(type_code: u8) -> usize {
    match type_code {
        b'y' | b'g' | b'v' => 1,
        b'n' | b'q' => 2,
        b'x' | b't' | b'd' | b'(' | b'{' => 8,
        _ => 4,
    }
}

/// A call of a method that takes texts.
pub fn call(serial: u32, method: &Method<'_>, arguments: &[&str]) -> Vec<u8> {
    let mut body = Writer::default();
    for argument in arguments {
        body.text(argument);
    }
    let signature = "s".repeat(arguments.len());
    let fields = [
        (field::PATH, "o", method.path),
        (field::DESTINATION, "s", method.destination),
        (field::INTERFACE, "s", method.interface),
        (field::MEMBER, "s", method.member),
        (field::SIGNATURE, "g", signature.as_str()),
    ];
    message(METHOD_CALL, serial, &fields, &body.bytes)
}

fn message(kind: u8, serial: u32, fields: &[(u8, &str, &str)], body: &[u8]) -> Vec<u8> {
    let mut written = Writer::default();
    for (code, signature, value) in fields {
        written.align(8);
        written.bytes.push(*code);
        written.signature(signature);
        if *signature == "g" {
            written.signature(value);
        } else {
            written.text(value);
        }
    }
    let mut message = Writer::default();
    message.bytes.extend([b'l', kind, 0, 1]);
    message.u32(length(body));
    message.u32(serial);
    // They begin at byte 16, so their alignment is as it was.
    message.u32(length(&written.bytes));
    message.bytes.extend(written.bytes);
    message.align(8);
    message.bytes.extend(body);
    message.bytes
}

/// Writes values, each at its alignment.
#[derive(Debug, Default)]
struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    fn align(&mut self, to: usize) {
        let padded = self.bytes.len().next_multiple_of(to);
        self.bytes.resize(padded, 0);
    }

    fn u32(&mut self, number: u32) {
        self.align(4);
        self.bytes.extend(number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.u32(length(text.as_bytes()));
        self.bytes.extend(text.as_bytes());
        self.bytes.push(0);
    }

    fn signature(&mut self, signature: &str) {
        let length = u8::try_from(signature.len()).expect("signatures of ours are short");
        self.bytes.push(length);
        self.bytes.extend(signature.as_bytes());
        self.bytes.push(0);
    }
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("what we send is short")
}

#[cfg(test)]
pub(super) mod tests;
