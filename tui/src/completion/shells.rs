//! The shells whose scripts are our own, as names of readers hold spaces and brackets.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use clap::Command;
use clap_complete::env::{self, EnvCompleter};

/// Quotes what is put in, and takes no bracket for a pattern. Behind a quote that
/// is open bash puts a reply in as it is: there only those stand that mean
/// themselves in it, and none behind quotes of any other shape. Bash has taken
/// `--reader=x` apart at the sign.
const BASH: &str = r#"_cacctl() {
    local word=${COMP_WORDS[COMP_CWORD]} reply
    local -a words=() replies=()
    for reply in "${COMP_WORDS[@]:0:COMP_CWORD}"; do
        [[ $reply == "=" ]] || words+=("$reply")
    done
    [[ $word == "=" ]] && word=
    mapfile -t -d $'\v' replies < <(
        _CLAP_IFS=$'\v' _CLAP_COMPLETE_INDEX=${#words[@]} VARIABLE=bash \
            cacctl -- "${words[@]}" "$word" 2>/dev/null
    )
    COMPREPLY=()
    local bare=${word//\\?/}
    for reply in "${replies[@]}"; do
        if [[ $bare != *[\'\"]* ]]; then
            printf -v reply %q "$reply"
        elif [[ ${bare:1} == *[\'\"]* || $reply == *[\$\`\"\'\\!]* ]]; then
            continue
        fi
        COMPREPLY+=("$reply")
    done
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace
    return 0
}
complete -o bashdefault -o nosort -F _cacctl cacctl
"#;

/// Answers the first time too, when the file has only been found by its name.
const ZSH_LAST: &str = r#"if [[ $funcstack[1] == _cacctl ]]; then
    _clap_dynamic_completer_cacctl "$@"
else
    compdef _clap_dynamic_completer_cacctl cacctl
fi
"#;

pub(super) struct Bash;

pub(super) struct Zsh;

impl EnvCompleter for Bash {
    fn name(&self) -> &'static str {
        "bash"
    }

    fn is(&self, name: &str) -> bool {
        name == "bash"
    }

    fn write_registration(
        &self,
        variable: &str,
        _name: &str,
        _program: &str,
        _completer: &str,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        out.write_all(BASH.replace("VARIABLE", variable).as_bytes())
    }

    fn write_complete(
        &self,
        command: &mut Command,
        words: Vec<OsString>,
        folder: Option<&Path>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        env::Bash.write_complete(command, words, folder, out)
    }
}

impl EnvCompleter for Zsh {
    fn name(&self) -> &'static str {
        "zsh"
    }

    fn is(&self, name: &str) -> bool {
        name == "zsh"
    }

    fn write_registration(
        &self,
        variable: &str,
        name: &str,
        program: &str,
        completer: &str,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut script = Vec::new();
        env::Zsh.write_registration(variable, name, program, completer, &mut script)?;
        let script = String::from_utf8_lossy(&script);
        let function: Vec<&str> = script
            .lines()
            .filter(|line| !line.starts_with("compdef "))
            .collect();
        writeln!(out, "{}", function.join("\n").trim_end())?;
        out.write_all(ZSH_LAST.as_bytes())
    }

    fn write_complete(
        &self,
        command: &mut Command,
        words: Vec<OsString>,
        folder: Option<&Path>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        env::Zsh.write_complete(command, words, folder, out)
    }
}
