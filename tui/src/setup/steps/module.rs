//! OpenSC's module itself, without which nothing else is of use.

use std::path::Path;

use crate::setup::places::Places;
use crate::setup::plan::Step;

const NAME: &str = "module";
const ABOUT: &str = "OpenSC's PKCS #11 module";

pub(in crate::setup) fn add(places: &Places, module: Option<&Path>, plan: &mut Vec<Step>) {
    let step = match module {
        Some(module) => Step::there(NAME, ABOUT, format!("it is {}", module.display())),
        None => Step::blocked(
            NAME,
            ABOUT,
            "it is not installed, and nothing else can use the card without it",
            install_command(places),
        ),
    };
    plan.push(step);
}

/// By the package manager that is there.
fn install_command(places: &Places) -> Option<String> {
    let commands = [
        ("apt-get", "sudo apt-get install opensc"),
        ("dnf", "sudo dnf install opensc"),
        ("zypper", "sudo zypper install opensc"),
        ("pacman", "sudo pacman -S opensc"),
    ];
    let found = commands
        .into_iter()
        .find(|(program, _)| places.program(program).is_some());
    found.map(|(_, command)| command.to_owned())
}
