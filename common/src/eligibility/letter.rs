//! What a person hands to a sponsor.

use super::Route;

/// Text of a letter that says what the sponsor has to do; `None` where the
/// route needs none.
pub fn letter(route: &Route, portal: &str, holder: Option<&str>) -> Option<String> {
    if !route.way.needs_sponsor() {
        return None;
    }
    let name = holder.unwrap_or("____________________");
    let mut parts = vec![
        format!("Sponsorship of an account at {portal}"),
        format!("I ask you to sponsor an account at {portal} for me, {name}."),
    ];
    if let Some(sponsor) = &route.sponsor {
        let terms = [
            Some(("Who may sponsor me", &sponsor.who)),
            sponsor
                .needs
                .as_ref()
                .map(|text| ("What you need first", text)),
            sponsor
                .limits
                .as_ref()
                .map(|text| ("Whom you may sponsor", text)),
            sponsor.pays.as_ref().map(|text| ("Who pays", text)),
        ];
        let terms = terms.into_iter().flatten();
        parts.extend(terms.map(|(what, text)| format!("{what}: {text}")));
    }
    parts.push(format!("What I was told: {}", route.text));
    parts.push(format!(
        "What you have to do: sign in to {portal}, open the sponsorship of accounts there, \
         and ask for an account in my name. Tell me when it is there: I then put my card in \
         and register it."
    ));
    parts.push(format!("{name}\n"));
    Some(parts.join("\n\n"))
}
