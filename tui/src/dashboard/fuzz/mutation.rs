//! Pictures with pieces of their JSON changed.

use cac_common::certificate::Slot;
use cac_common::snapshot::Snapshot;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

#[derive(Debug, Clone)]
pub(super) struct Mutation {
    /// Which child to go down to at each level.
    path: Vec<usize>,
    change: Change,
}

#[derive(Debug, Clone)]
enum Change {
    Text(String),
    Number(i64),
    Flip,
    Nothing,
    Remove,
    Repeat(usize),
    /// What stands at another place.
    Of(Vec<usize>),
}

/// The same picture if what comes of it is none.
pub(super) fn mutated(snapshot: Snapshot, mutation: &Mutation) -> Snapshot {
    let mut value = serde_json::to_value(&snapshot).unwrap();
    mutate(&mut value, mutation);
    serde_json::from_value(value).unwrap_or(snapshot)
}

fn mutate(value: &mut Value, mutation: &Mutation) {
    let other = match &mutation.change {
        Change::Of(path) => at(value, path).clone(),
        Change::Text(text) => Value::from(text.as_str()),
        Change::Number(number) => Value::from(*number),
        Change::Flip | Change::Nothing | Change::Remove | Change::Repeat(_) => Value::Null,
    };
    let Some((last, path)) = mutation.path.split_last() else {
        return;
    };
    let parent = at(value, path);
    if let (Change::Remove | Change::Repeat(_), Value::Array(items)) =
        (&mutation.change, &mut *parent)
    {
        if items.is_empty() {
            return;
        }
        let which = last % items.len();
        if let Change::Repeat(times) = mutation.change {
            let item = items[which].clone();
            items.extend(vec![item; times]);
        } else {
            items.remove(which);
        }
        return;
    }
    if let Some(child) = child(parent, *last) {
        *child = match child {
            Value::Bool(is) => Value::Bool(!*is),
            Value::Null
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => other,
        };
    }
}

fn at<'a>(value: &'a mut Value, path: &[usize]) -> &'a mut Value {
    let mut here = value;
    for step in path {
        if child(here, *step).is_none() {
            return here;
        }
        here = child(here, *step).unwrap();
    }
    here
}

fn child(value: &mut Value, which: usize) -> Option<&mut Value> {
    match value {
        Value::Array(items) if !items.is_empty() => {
            let at = which % items.len();
            items.get_mut(at)
        }
        Value::Object(fields) if !fields.is_empty() => {
            let at = which % fields.len();
            fields.values_mut().nth(at)
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => None,
    }
}

pub(super) fn mutation() -> impl Strategy<Value = Mutation> {
    let path = || prop::collection::vec(any::<usize>(), 1..9);
    let long = select(vec![
        "W".repeat(64),
        "\u{65e5}\u{672c}\u{8a9e}".repeat(30),
        "e\u{301}\u{327}".repeat(40),
        "\u{5d0}\u{202e}\u{627}".repeat(20),
        "\u{1b}[2J\u{7}\u{9b}\u{85}\n\t".repeat(9),
        "\u{1f468}\u{200d}\u{1f469}\u{fe0f}".repeat(9),
        "\u{301}".into(),
        String::new(),
        "2026-02-31".into(),
        Slot::Authentication.to_string(),
    ]);
    let number = select(vec![0, 1, 2, 255, -1, i64::MIN, i64::MAX, 1_795_356_129]);
    let change = prop_oneof![
        3 => long.prop_map(Change::Text),
        1 => any::<String>().prop_map(Change::Text),
        3 => number.prop_map(Change::Number),
        1 => Just(Change::Flip),
        1 => Just(Change::Nothing),
        1 => Just(Change::Remove),
        2 => (1..40_usize).prop_map(Change::Repeat),
        3 => path().prop_map(Change::Of),
    ];
    (path(), change).prop_map(|(path, change)| Mutation { path, change })
}
