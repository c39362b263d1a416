//! Examples of each command, for its help and its manual page: a line to type,
//! and below it what that is for.

pub(super) const CACCTL: &str = "\
Examples:
  cacctl
      Opens the dashboard.
  cacctl status
      Says what is in the readers, and what to do next.
  cacctl register
      Asks for the PIN and registers the card wherever it is not yet.";

pub(super) const STATUS: &str = "\
Examples:
  cacctl status
      What is in the readers, where each card stands, and what to do next.
  cacctl status --json | jq '.readers[].card.registrations'
      The same for a program; /usr/share/doc/cacd/json.md describes it.
  cacctl status --portal ako
      Where each card stands there; --card ID picks one card, in a reader or not.
  cacctl status --wait-for registered --portal ako --timeout 60 --quiet
      Ends with 0 once the card is registered there, with 4 as soon as a person is needed, and with 1 after a minute. The daemon may be restarted meanwhile.
  cacctl status --wait-for no-card --quiet && loginctl lock-session
      Locks the session when the card is taken out.

With --timeout a daemon that is not there is waited for as well.";

pub(super) const WATCH: &str = "\
Examples:
  cacctl watch
      A line for each change, until Ctrl-C.
  cacctl watch --json | jq --unbuffered '.readers[].status'
      The whole state after each change.
  cacctl watch --timeout 60
      What changes within a minute.";

pub(super) const REGISTER: &str = "\
Examples:
  cacctl register
      Asks for the PIN at the terminal.
  cacctl register --portal ako --pin-from pinentry
      At one portal; the PIN is asked for in a window.
  cacctl register --quiet && start-the-vpn
      Tells only what is wrong.";

pub(super) const AGENT: &str = "\
Examples:
  systemctl --user enable --now cacctl-agent
      Runs it in the background of your sessions, from now on.
  cacctl agent --pin-from ask-password
      Has the agents of systemd-ask-password ask.";

pub(super) const LOGIN: &str = "\
Examples:
  auth optional pam_exec.so expose_authtok quiet /usr/bin/cacctl login --pam --card-auth
      A line for a file in /etc/pam.d, behind the card module.";

pub(super) const CARD: &str = "\
Examples:
  cacctl card show
      The only card that is in a reader.
  cacctl card export --out certificates
      Its certificates, a file each.";

pub(super) const CARD_SHOW: &str = "\
Examples:
  cacctl card show --reader SCR3310
      The card in one of several readers; a part of its name is enough.
  cacctl card show --printed --reveal
      With what is printed on it, for its PIN, and with DoD IDs in full.
  cacctl card show --json | jq -r '.certificates[] | \"\\(.slot) \\(.not_after | todate)\"'
      When each certificate ends.";

pub(super) const CARD_EXPORT: &str = "\
Examples:
  cacctl card export --slot 9A --out - | openssl x509 -noout -text
      Shows the authentication certificate.
  cacctl card export --out ~/certificates
      Writes all of them into a folder.";

pub(super) const PIN: &str = "\
Examples:
  cacctl pin status
      How many tries are left, and what to do next.
  cacctl pin change
      Gives the card another PIN.";

pub(super) const PIN_CHANGE: &str = "\
Examples:
  cacctl pin change
      Asks at the terminal: the old PIN, the new one, and the new one again.
  cacctl pin change --pin-from pinentry
      Asks in a window.";

pub(super) const PIN_STATUS: &str = "\
Examples:
  cacctl pin status
      How many tries are left, and what to do next.
  cacctl pin status --json | jq .pin.tries_left
      The number alone; null if the card does not say.";

pub(super) const PORTAL: &str = "\
Examples:
  cacctl portal list
      Which portals are known.
  cacctl portal test ako
      Signs in by hand, and tells every step of it.";

pub(super) const PORTAL_LIST: &str = "\
Examples:
  cacctl portal list
      Which portals are known, and what is wrong with a profile.
  cacctl portal list --json | jq -r '.[] | select(.enabled).name'
      The names of those that are enabled.";

pub(super) const PORTAL_SHOW: &str = "\
Examples:
  cacctl portal show ako
      All that its profile says.";

pub(super) const PORTAL_TEST: &str = "\
Examples:
  cacctl portal test ako
      Each request, each answer, and the rule that it met.
  cacctl portal test ako --page page.html
      Keeps the last page, to write a rule for it.";

pub(super) const TRUST: &str = "\
Examples:
  cacctl trust list
      Who is trusted, since when, and whether the cards lead up to them.
  sudo cacctl trust import unclass-certificates_pkcs7_DoD.zip
      The DoD's authorities, once you have compared the digests of the roots.";

pub(super) const TRUST_LIST: &str = "\
Examples:
  cacctl trust list
      Who is trusted, since when, and whether the cards lead up to them.
  cacctl trust list --json | jq -r '.files[] | select(.warnings != []).name'
      The files with which something is odd.";

pub(super) const TRUST_SHOW: &str = "\
Examples:
  cacctl trust show anchors/dod.pem
      All authorities of a file in the folder.
  cacctl trust show unclass-certificates_pkcs7_DoD.zip
      Those of a bundle, before it is imported.";

pub(super) const TRUST_IMPORT: &str = "\
Examples:
  sudo cacctl trust import unclass-certificates_pkcs7_DoD.zip --name dod
      Shows the roots with their digests, asks, and writes anchors/dod.pem.
  sudo cacctl trust import dod.p7b --digest \"$(cut -d' ' -f1 dod.p7b.sha256)\"
      Asks nothing, where the file has the SHA-256 that was published.
  sudo cacctl trust import unclass-certificates_pkcs7_DoD.zip --name dod --replace
      Takes a newer bundle in the place of the one that was imported as dod.";

pub(super) const ELIGIBILITY: &str = "\
Examples:
  cacctl eligibility ako
      Asks what the card does not tell.
  cacctl eligibility ako --category contractor --answer no --letter sponsor.txt
      Answers beforehand, and writes a letter to the sponsor.";

pub(super) const HISTORY: &str = "\
Examples:
  cacctl history --search 'wrong pin' --since 2w
      Where a wrong PIN was typed in the last two weeks.
  cacctl history --portal ako --kind registration --until 2026-10-31
      What became of registrations at a portal, up to that day.
  cacctl history --json | jq -r 'select(.kind == \"registration\").text'
      What became of registrations.";

pub(super) const CLEAR: &str = "\
Examples:
  cacctl clear --all --dry-run
      Only says what would be lost.
  cacctl clear --history --before 2026-01-01
      Forgets what happened before this year, after a question.";

pub(super) const COMPLETIONS: &str = "\
Examples:
  source <(cacctl completions bash)
      For this shell; packages install it for every one.";

pub(super) const MAN: &str = "\
Examples:
  cacctl man ~/.local/share/man/man1
      Where man(1) finds them.";
