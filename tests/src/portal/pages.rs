//! The pages of the portal, as a browser gets them.

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::store::Account;

const HELP_DESK: &str = "\
<p>Reference Portal help desk: <a href=\"tel:555-0100\">555-0100</a>, \
<a href=\"mailto:help@portal.example.mil\">help@portal.example.mil</a>.</p>";

pub(super) fn landing() -> Response {
    page(
        StatusCode::OK,
        "Reference Portal",
        "landing",
        "<h1>Reference Portal</h1>\n\
         <p>Put your CAC into its reader, then <a id=\"sign-in\" href=\"/sign-in\">sign in \
         with your CAC</a>.</p>",
    )
}

pub(super) fn help() -> Response {
    page(
        StatusCode::OK,
        "Help",
        "help",
        &format!(
            "<h1>Help</h1>\n{HELP_DESK}\n\
             <h2 id=\"manual-registration\">Registering a CAC by hand</h2>\n\
             <p>If signing in does not tie your CAC to your account, ask the help desk for \
             an account first. Have your CAC, your user name and your password at hand.</p>\n\
             <h2 id=\"forbidden\">403 Access Forbidden</h2>\n\
             <p>Clear your temporary internet files, close every browser window and try \
             again.</p>"
        ),
    )
}

pub(super) fn account(account: &Account) -> Response {
    let date = escape(&account.registered_on);
    let date = format!("<time id=\"registered-on\" datetime=\"{date}\">{date}</time>");
    let registered = if account.is_new {
        format!(
            "<p class=\"card-registered\" id=\"newly-registered\">Your CAC has been registered \
             to your account. Registered on {date}.</p>"
        )
    } else {
        format!(
            "<p class=\"card-registered\" id=\"already-registered\">Your CAC is already \
             registered. Registered on {date}.</p>"
        )
    };
    page(
        StatusCode::OK,
        "My Account",
        "account",
        &format!(
            "<h1>Welcome {}, your CAC is registered to account \
             <span id=\"account-name\">{}</span></h1>\n\
             {registered}\n\
             <p>Category: <span id=\"category\">{}</span></p>",
            escape(&account.person),
            escape(&account.name),
            escape(&account.category),
        ),
    )
}

/// Answered with 200, as the portal that this one stands for did.
pub(super) fn user_not_found() -> Response {
    page(
        StatusCode::OK,
        "User Not Found",
        "user-not-found",
        &format!(
            "<h1>User Not Found</h1>\n\
             <p>You are not in the authoritative database that your information is checked \
             against, so you cannot register by yourself.</p>\n\
             <p>The help desk can tell you what to do next.</p>\n{HELP_DESK}"
        ),
    )
}

pub(super) fn not_authorised() -> Response {
    forbidden("You are not authorised to use this portal.")
}

pub(super) fn stale_session() -> Response {
    forbidden("Your browser sent a session that this portal no longer takes.")
}

pub(super) fn no_account() -> Response {
    page(
        StatusCode::OK,
        "No Account",
        "no-account",
        "<h1>No Account</h1>\n\
         <p>No account is tied to this certificate.</p>\n\
         <p>If you have an account, <a href=\"/help#manual-registration\">register your CAC \
         by hand</a>.</p>",
    )
}

pub(super) fn no_certificate() -> Response {
    page(
        StatusCode::OK,
        "No Certificate",
        "no-certificate",
        "<h1>No Certificate</h1>\n\
         <p>Your browser sent no certificate. Put your CAC into its reader, close every browser \
         window, and try again.</p>",
    )
}

pub(super) fn certificate_not_accepted() -> Response {
    page(
        StatusCode::OK,
        "Certificate Not Accepted",
        "certificate-not-accepted",
        "<h1>Certificate Not Accepted</h1>\n\
         <p>This certificate does not say who you are. Choose your authentication \
         certificate.</p>",
    )
}

pub(super) fn not_found() -> Response {
    page(
        StatusCode::NOT_FOUND,
        "Page Not Found",
        "page-not-found",
        "<h1>Page Not Found</h1>\n<p><a href=\"/\">Start again</a>.</p>",
    )
}

pub(super) fn out_of_order(status: StatusCode) -> Response {
    let title = status.canonical_reason().unwrap_or("Error");
    page(
        status,
        title,
        "out-of-order",
        &format!("<h1>{title}</h1>\n<p>The portal cannot answer you at the moment.</p>"),
    )
}

fn forbidden(why: &str) -> Response {
    page(
        StatusCode::FORBIDDEN,
        "Access Forbidden",
        "forbidden",
        &format!(
            "<h1>403: Access Forbidden</h1>\n<p>{why}</p>\n\
             <p><a href=\"/help#forbidden\">What to do about it</a>.</p>"
        ),
    )
}

/// `title` and `id` are ours; what comes from elsewhere stands escaped in `main`.
fn page(status: StatusCode, title: &str, id: &str, main: &str) -> Response {
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>{title}</title>\n</head>\n<body>\n<main id=\"{id}\">\n{main}\n</main>\n\
         </body>\n</html>\n"
    );
    (status, [(header::CACHE_CONTROL, "no-store")], Html(html)).into_response()
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            plain => escaped.push(plain),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_name_stays_text() {
        assert_eq!(
            escape("<b a=\"1\">O'Doe & Sons</b>"),
            "&lt;b a=&quot;1&quot;&gt;O&#39;Doe &amp; Sons&lt;/b&gt;"
        );
    }
}
