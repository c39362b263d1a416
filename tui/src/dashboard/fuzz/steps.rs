//! What can come in.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use proptest::prelude::*;
use proptest::sample::select;

use super::Step;
use super::answers::came;
use super::mutation::mutation;

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => key().prop_map(|key| Step::Event(Event::Key(key))),
        12 => any::<usize>().prop_map(Step::Meant),
        4 => select(vec!["yes", "123456", "jane", "", "\u{e4}\u{65e5}"]).prop_map(Step::Words),
        2 => mouse().prop_map(|mouse| Step::Event(Event::Mouse(mouse))),
        2 => size().prop_map(|(columns, rows)| Step::Event(Event::Resize(columns, rows))),
        2 => (any::<usize>(), prop::collection::vec(mutation(), 0..4))
            .prop_map(|(base, mutations)| Step::Snapshot(base, mutations)),
        2 => mutation().prop_map(Step::Change),
        1 => came().prop_map(Step::Away),
        1 => prop_oneof![0..100_i64, any::<i64>()].prop_map(Step::Later),
        6 => (any::<usize>(), came(), any::<bool>())
            .prop_map(|(which, came, stays)| Step::Answer { which, came, stays }),
        1 => Just(Step::Home),
    ]
}

const NAMED: [KeyCode; 17] = [
    KeyCode::Enter,
    KeyCode::Esc,
    KeyCode::Tab,
    KeyCode::BackTab,
    KeyCode::Backspace,
    KeyCode::Delete,
    KeyCode::Insert,
    KeyCode::Up,
    KeyCode::Down,
    KeyCode::Left,
    KeyCode::Right,
    KeyCode::Home,
    KeyCode::End,
    KeyCode::PageUp,
    KeyCode::PageDown,
    KeyCode::Null,
    KeyCode::F(1),
];

pub(super) fn every_key() -> impl Iterator<Item = KeyEvent> {
    let plain = (' '..='~').map(KeyCode::Char).chain(NAMED);
    plain.map(KeyEvent::from)
}

fn key() -> impl Strategy<Value = KeyEvent> {
    let character = prop_oneof![
        4 => (b' '..=b'~').prop_map(char::from),
        3 => (b'a'..=b'z').prop_map(char::from),
        2 => (b'0'..=b'9').prop_map(char::from),
        1 => any::<char>(),
    ];
    let code = prop_oneof![
        3 => select(NAMED.to_vec()),
        4 => character.prop_map(KeyCode::Char),
    ];
    let modifiers = prop_oneof![
        8 => Just(KeyModifiers::NONE),
        1 => any::<u8>().prop_map(KeyModifiers::from_bits_truncate),
    ];
    (code, modifiers).prop_map(|(code, modifiers)| KeyEvent::new(code, modifiers))
}

fn mouse() -> impl Strategy<Value = MouseEvent> {
    let kind = select(vec![
        MouseEventKind::Down(MouseButton::Left),
        MouseEventKind::Up(MouseButton::Left),
        MouseEventKind::Drag(MouseButton::Left),
        MouseEventKind::Down(MouseButton::Right),
        MouseEventKind::Moved,
        MouseEventKind::ScrollDown,
        MouseEventKind::ScrollUp,
    ]);
    let place = prop_oneof![8 => 0..120_u16, 1 => any::<u16>()];
    (kind, place.clone(), place).prop_map(|(kind, column, row)| MouseEvent {
        kind,
        column,
        row,
        modifiers: KeyModifiers::NONE,
    })
}

fn size() -> impl Strategy<Value = (u16, u16)> {
    prop_oneof![
        2 => (1..=210_u16, 1..=64_u16),
        1 => (1..=12_u16, 1..=6_u16),
        1 => Just((80, 24)),
        1 => Just((120, 36)),
    ]
}
