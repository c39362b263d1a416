use proptest::prelude::*;

use super::*;
use crate::logind::sessions::{Properties, paths};

/// Of messages (D-Bus specification, "Message Format").
const METHOD_RETURN: u8 = 2;
const ERROR: u8 = 3;
const SIGNAL: u8 = 4;

/// A value, for messages as logind sends them.
#[derive(Debug, Clone)]
pub(in crate::logind) enum Value {
    Bool(bool),
    U32(u32),
    /// The number of a descriptor that goes along.
    Handle(u32),
    Text(&'static str),
    Path(String),
    Variant(Box<Value>),
    Struct(Vec<Value>),
    Entry(Box<(Value, Value)>),
    /// The signature of its elements, which an empty one needs.
    Array(&'static str, Vec<Value>),
}

impl Value {
    fn signature(&self) -> String {
        match self {
            Self::Bool(_) => "b".into(),
            Self::U32(_) => "u".into(),
            Self::Handle(_) => "h".into(),
            Self::Text(_) => "s".into(),
            Self::Path(_) => "o".into(),
            Self::Variant(_) => "v".into(),
            Self::Struct(values) => format!("({})", signature_of(values)),
            Self::Entry(entry) => format!("{{{}{}}}", entry.0.signature(), entry.1.signature()),
            Self::Array(element, _) => format!("a{element}"),
        }
    }

    fn write(&self, to: &mut Writer) {
        match self {
            Self::Bool(value) => to.u32((*value).into()),
            Self::U32(value) | Self::Handle(value) => to.u32(*value),
            Self::Text(value) => to.text(value),
            Self::Path(value) => to.text(value),
            Self::Variant(value) => {
                to.signature(&value.signature());
                value.write(to);
            }
            Self::Struct(values) => {
                to.align(8);
                for value in values {
                    value.write(to);
                }
            }
            Self::Entry(entry) => {
                to.align(8);
                entry.0.write(to);
                entry.1.write(to);
            }
            Self::Array(element, values) => {
                to.u32(0);
                let length_at = to.bytes.len() - 4;
                to.align(alignment(element.as_bytes()[0]));
                let start = to.bytes.len();
                for value in values {
                    value.write(to);
                }
                let length = length(&to.bytes[start..]);
                to.bytes[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
            }
        }
    }
}

fn signature_of(values: &[Value]) -> String {
    values.iter().map(Value::signature).collect()
}

pub(in crate::logind) fn property(name: &'static str, value: Value) -> Value {
    Value::Entry(Box::new((
        Value::Text(name),
        Value::Variant(Box::new(value)),
    )))
}

/// A signal from `sender`.
pub(in crate::logind) fn signal(
    sender: &str,
    path: &str,
    (interface, member): (&str, &str),
    values: &[Value],
) -> Vec<u8> {
    let signature = signature_of(values);
    let fields = [
        (field::PATH, "o", path),
        (field::INTERFACE, "s", interface),
        (field::MEMBER, "s", member),
        (field::SENDER, "s", sender),
        (field::SIGNATURE, "g", signature.as_str()),
    ];
    message(SIGNAL, 1, &fields, &body_of(values))
}

/// An answer to the call of that serial.
pub(in crate::logind) fn answer(sender: &str, to: u32, values: &[Value]) -> Vec<u8> {
    let signature = signature_of(values);
    let fields = [
        (field::SENDER, "s", sender),
        (field::SIGNATURE, "g", signature.as_str()),
    ];
    let whole = message(METHOD_RETURN, 1, &fields, &body_of(values));
    let whole = with_number(&whole, field::REPLY_SERIAL, to);
    match values
        .iter()
        .filter(|it| matches!(it, Value::Handle(_)))
        .count()
    {
        0 => whole,
        handles => with_number(&whole, field::UNIX_FDS, u32::try_from(handles).unwrap()),
    }
}

/// One that says no.
pub(in crate::logind) fn refusal(sender: &str, to: u32, name: &str) -> Vec<u8> {
    let fields = [(field::SENDER, "s", sender), (field::ERROR_NAME, "s", name)];
    with_number(&message(ERROR, 1, &fields, &[]), field::REPLY_SERIAL, to)
}

/// Puts one more field before the others.
fn with_number(message: &[u8], code: u8, number: u32) -> Vec<u8> {
    let mut field = vec![code, 1, b'u', 0];
    field.extend(number.to_le_bytes());
    let mut longer = message[..HEAD].to_vec();
    let fields = u32::from_le_bytes(message[12..16].try_into().unwrap()) + 8;
    longer[12..16].copy_from_slice(&fields.to_le_bytes());
    longer.extend(field);
    longer.extend(&message[HEAD..]);
    longer
}

fn body_of(values: &[Value]) -> Vec<u8> {
    let mut body = Writer::default();
    for value in values {
        value.write(&mut body);
    }
    body.bytes
}

#[test]
fn a_call_is_written_as_the_specification_has_it() {
    let method = Method {
        destination: "a.b",
        path: "/",
        interface: "a.b",
        member: "Do",
    };

    let call = call(7, &method, &["hi"]);

    let head = b"l\x01\0\x01\x07\0\0\0\x07\0\0\0\x47\0\0\0";
    let fields = b"\x01\x01o\0\x01\0\0\0/\0\0\0\0\0\0\0\
        \x06\x01s\0\x03\0\0\0a.b\0\0\0\0\0\
        \x02\x01s\0\x03\0\0\0a.b\0\0\0\0\0\
        \x03\x01s\0\x02\0\0\0Do\0\0\0\0\0\0\
        \x08\x01g\0\x01s\0\0";
    assert_eq!(call, [&head[..], fields, b"\x02\0\0\0hi\0"].concat());
}

#[test]
fn a_message_is_read_in_either_byte_order() {
    let little = signal(":1.2", "/a", ("a.b", "Did"), &[Value::U32(5)]);
    let big = b"B\x04\0\x01\0\0\0\x04\0\0\0\x01\0\0\0\x17\
        \x03\x01s\0\0\0\0\x01a\0\0\0\0\0\0\0\x08\x01g\0\x01u\0\0\0\0\0\x05";

    let little = Message::parse(&little).unwrap();
    let big = Message::parse(big).unwrap();

    assert_eq!(little.sender, ":1.2");
    assert_eq!(little.body("u").unwrap().u32().unwrap(), 5);
    assert_eq!(big.member, "a");
    assert_eq!(big.body("u").unwrap().u32().unwrap(), 5);
}

#[test]
fn the_length_of_a_message_stands_in_its_head() {
    let whole = signal(":1.2", "/a", ("a.b", "Did"), &[Value::Text("x")]);

    let length = Message::length(whole.first_chunk().unwrap());

    assert_eq!(length, Ok(whole.len()));
}

#[test]
fn a_message_that_ends_before_its_version_is_told_as_such() {
    for bytes in [&b"l"[..], b"l\x04", b"B\x04\0"] {
        let error = Message::parse(bytes).unwrap_err();

        assert_eq!((error.at, error.what), (bytes.len(), "it ends too early"));
    }
}

#[test]
fn a_message_that_is_longer_than_there_are_is_none() {
    let mut head = *b"l\x04\0\x01\0\0\0\0\x01\0\0\0\0\0\0\0";
    for at in [4, 12] {
        head[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());

        let error = Message::length(&head).unwrap_err();

        assert_eq!(
            error.to_string(),
            "message is malformed at byte 4: it is too long"
        );
    }
}

#[test]
fn whatever_is_not_wanted_is_stepped_over() {
    let odd = Value::Struct(vec![
        Value::Array("(su)", Vec::new()),
        Value::Variant(Box::new(Value::Variant(Box::new(Value::Bool(true))))),
        Value::Array(
            "{sv}",
            vec![property("a", Value::Array("s", vec![Value::Text("b")]))],
        ),
    ]);
    let signature = odd.signature();
    let bytes = signal(":1.2", "/a", ("a.b", "Did"), &[odd, Value::U32(9)]);
    let message = Message::parse(&bytes).unwrap();
    let mut body = message.body(&format!("{signature}u")).unwrap();

    body.skip(&signature).unwrap();

    assert_eq!(body.u32(), Ok(9));
    assert!(body.is_at_end());
}

#[test]
fn a_message_that_is_cut_short_anywhere_is_refused() {
    let property = property("Active", Value::Bool(true));
    let values = [Value::Text("x"), Value::Array("{sv}", vec![property])];
    let whole = signal(":1.2", "/a", ("a.b", "Did"), &values);
    assert!(Message::parse(&whole).is_ok());

    for length in 0..whole.len() {
        assert!(Message::parse(&whole[..length]).is_err(), "{length}");
    }
}

#[test]
fn variants_lie_in_each_other_only_so_deep() {
    // Each is a signature "v" and what it holds; the innermost is a byte.
    let nested = |depth: usize| [b"\x01v\0".repeat(depth), b"\x01y\0\x07".to_vec()].concat();
    let skipped = |bytes: &[u8]| {
        let mut reader = Reader {
            bytes,
            at: 0,
            is_big_endian: false,
        };
        reader.skip("v")
    };

    assert_eq!(skipped(&nested(10)), Ok(()));
    let error = skipped(&nested(100_000)).unwrap_err();

    assert_eq!(error.what, "values lie too deep in each other");
}

#[test]
fn a_signature_that_is_none_is_refused() {
    let zeros = [0; 64];
    for signature in ["", "a", "(", "(s", ")", "ss", "z", "a{s", "(z)"] {
        let mut reader = Reader {
            bytes: &zeros,
            at: 0,
            is_big_endian: false,
        };

        assert!(reader.skip(signature).is_err(), "{signature}");
    }
}

proptest! {
    /// Nothing that comes is believed, and nothing of it is fatal.
    #[test]
    fn a_message_that_was_tampered_with_is_read_or_refused(
        which in 0..3usize,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let messages: [&[u8]; 3] = [
            include_bytes!("../../../../tests/data/logind/list"),
            include_bytes!("../../../../tests/data/logind/properties"),
            include_bytes!("../../../../tests/data/logind/changed"),
        ];
        let mut bytes = messages[which].to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(message) = Message::parse(&bytes) {
            let _ = paths(&message);
            let _ = message.body("a{sv}").and_then(|mut body| Properties::read(&mut body));
            if let Ok(mut body) = message.body("sa{sv}as") {
                let _ = body.text().and_then(|_| Properties::read(&mut body));
            }
        }
    }
}
