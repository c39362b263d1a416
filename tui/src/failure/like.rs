//! What somebody may have meant who named something that is not there.

/// Longer names are not held against each other.
const LONGEST: usize = 128;

/// Fewer are named one by one.
const MOST: usize = 16;

/// For the end of a message: the one that was meant, most likely, and all there are.
pub(crate) fn there_are(kind: &str, name: &str, there: &[String]) -> String {
    let meant = nearest(name, there);
    let meant = meant.map_or_else(String::new, |it| format!("did you mean {it}? "));
    let all = match there {
        [] => format!("there is no {kind}"),
        [only] => format!("there is {only} alone"),
        [others @ .., last] if there.len() <= MOST => {
            format!("there are {} and {last}", others.join(", "))
        }
        _ => format!("there are {} others", there.len()),
    };
    match meant.as_str() {
        "" => format!("; {all}"),
        _ => format!("; {meant}T{}", &all[1..]),
    }
}

/// The one that takes the fewest changes, if those are few for its length; or
/// the only one that begins so.
fn nearest<'a>(name: &str, there: &'a [String]) -> Option<&'a String> {
    let name = name.to_lowercase();
    let close = there
        .iter()
        .filter_map(|one| {
            let changes = changes(&name, &one.to_lowercase())?;
            (changes <= one.chars().count().div_ceil(3)).then_some((changes, one))
        })
        .min_by_key(|(changes, _)| *changes);
    if let Some((_, one)) = close {
        return Some(one);
    }
    let mut begins = there
        .iter()
        .filter(|one| !name.is_empty() && one.to_lowercase().starts_with(&name));
    begins.next().filter(|_| begins.next().is_none())
}

/// How many characters have to be put in, taken out, replaced, or swapped with
/// their neighbour, to make the one from the other.
fn changes(from: &str, to: &str) -> Option<usize> {
    if from.len() > LONGEST || to.len() > LONGEST {
        return None;
    }
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (at, typed) in from.iter().enumerate() {
        let mut row = vec![at + 1];
        for (column, wanted) in to.iter().enumerate() {
            let cost = usize::from(typed != wanted);
            let mut fewest = (last[column] + cost)
                .min(last[column + 1] + 1)
                .min(row[column] + 1);
            let is_swapped =
                at > 0 && column > 0 && from[at - 1] == *wanted && to[column - 1] == *typed;
            if is_swapped {
                fewest = fewest.min(before_last[column - 1] + 1);
            }
            row.push(fewest);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(name: &str) -> Option<String> {
        let there = ["ako", "travel", "records", "SCR3310 [CCID] 00 00"];
        nearest(name, &there.map(str::to_owned)).cloned()
    }

    #[test]
    fn what_is_mistyped_is_found() {
        for (typed, is_meant) in [
            ("aok", Some("ako")),
            ("AKO", Some("ako")),
            ("travle", Some("travel")),
            ("record", Some("records")),
            ("rec", Some("records")),
            ("SCR3310 [CCID] 00 01", Some("SCR3310 [CCID] 00 00")),
            ("payroll", None),
            ("", None),
        ] {
            assert_eq!(meant(typed).as_deref(), is_meant, "{typed}");
        }
        assert_eq!(meant(&"a".repeat(100_000)), None);
    }

    #[test]
    fn the_names_there_are_are_told() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).into()).collect::<Vec<_>>();

        assert_eq!(there_are("portal", "x", &[]), "; there is no portal");
        assert_eq!(
            there_are("portal", "xyz", &names(&["ako"])),
            "; there is ako alone"
        );
        assert_eq!(
            there_are("portal", "aok", &names(&["ako", "travel"])),
            "; did you mean ako? There are ako and travel"
        );
        let many: Vec<String> = (0..40).map(|number| format!("portal-{number}")).collect();
        assert_eq!(there_are("portal", "ako", &many), "; there are 40 others");
    }
}
