//! What each line looks at, and what hangs on it: for whoever opens one.

use super::portals;

/// Sentences; `None` for a line of the person's own, which says so itself.
pub fn of(name: &str) -> Option<&'static str> {
    let meaning = match name {
        "service" => {
            "cacd, the service, answers on its socket. It alone reads cards and signs in; without \
             it nothing here goes on."
        }
        "version" => {
            "The program that draws this and the service are of one version. After an update they \
             may differ until the service is started anew."
        }
        "clock" => {
            "This machine's clock is later than this program and than the last thing that \
             happened. With a wrong clock good certificates look expired, or not valid yet."
        }
        "pcscd" => {
            "pcscd, the system's smart card service, is there and lets cacd in. It is how every \
             program reaches the readers."
        }
        "reader" => {
            "pcscd lists a reader. One that is plugged in and missing here has no driver, or gets \
             no power."
        }
        "permission" => {
            "The service shows you cards and lets you act: root and the members of cacd-admin may. \
             Others see only that there are readers."
        }
        "card" => {
            "A card is in the reader that is chosen, and its chip answers when it gets power."
        }
        "card-read" => {
            "What the card shows without a PIN was read: who it belongs to, and its certificates."
        }
        "certificate" => {
            "Of the certificates on the card this one is shown to portals, and why this one. A \
             portal whose profile wants another gets that."
        }
        "certificate-dates" => {
            "Today lies between its first and its last day. Portals refuse it before and after."
        }
        "certificate-chain" => {
            "Its issuers lead up to an authority that lies on this machine. It is a look ahead: \
             what counts at a portal is whom the portal trusts."
        }
        "certificate-revocation" => {
            "Its issuer was asked whether it was taken back, as happens to lost cards. Portals ask \
             the same."
        }
        "card-expiry" => {
            "The last day that the card itself states. After it the card is no identification any \
             more, whatever its certificates say."
        }
        "card-findings" => {
            "What else was odd in what the card holds, such as data that contradict each other. \
             Nothing of it keeps you from signing in."
        }
        "pin-tries" => {
            "The card counts wrong PINs down and blocks itself at none. It was asked for the count, \
             which costs no try."
        }
        "configuration" => {
            "cacd.toml and every profile of a portal could be read. A mistake is told with its \
             line, and what was in force before stays so."
        }
        "portals" => "At least one portal is described in portals.d and enabled.",
        "database" => {
            "What happens can be written down, so that it is known after the machine starts anew."
        }
        _ if name.starts_with(portals::PREFIX) => {
            "Where the card stands at this portal, by what the portal said last. Nothing was asked \
             of it for this list: o in the dashboard tries a sign-in."
        }
        _ => return None,
    };
    Some(meaning)
}
