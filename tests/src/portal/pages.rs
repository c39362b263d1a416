//! The pages of the portal, as a browser gets them.

pub(super) mod foreign;
pub(super) mod forms;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::store::Account;

const HELP_DESK: &str = "\
<p>Reference Portal help desk: <a href=\"tel:555-0100\">555-0100</a>, \
<a href=\"mailto:help@portal.example.mil\">help@portal.example.mil</a>.</p>";

/// With the origins that ask for the card and that have the accounts, or
/// nothing where that is this one.
pub(super) fn landing(sign_in: &str, account: &str) -> Response {
    page(
        StatusCode::OK,
        "Reference Portal",
        "landing",
        &format!(
            "<h1>Reference Portal</h1>\n\
             <p>Put your CAC into its reader, then <a id=\"sign-in\" href=\"{sign_in}/sign-in\">\
             sign in with your CAC</a>.</p>\n\
             <p>Or <a id=\"log-in\" href=\"{account}/login\">log in with your user name and \
             password</a>.</p>"
        ),
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
    let name = escape(&account.name);
    let person = escape(&account.person);
    let (welcome, registered) = match &account.card {
        None => (
            format!(
                "<h1>Welcome {person}, you are logged in to account \
                 <span id=\"account-name\">{name}</span></h1>"
            ),
            String::new(),
        ),
        Some(card) => {
            let date = time("registered-on", &card.registered_on);
            let (id, what) = if card.is_new {
                (
                    "newly-registered",
                    "Your CAC has been registered to your account.",
                )
            } else {
                ("already-registered", "Your CAC is already registered.")
            };
            (
                format!(
                    "<h1>Welcome {person}, your CAC is registered to account \
                     <span id=\"account-name\">{name}</span></h1>"
                ),
                format!(
                    "<p class=\"card-registered\" id=\"{id}\">{what} Registered on {date}.</p>\n"
                ),
            )
        }
    };
    page(
        StatusCode::OK,
        "My Account",
        "account",
        &format!(
            "{welcome}\n{registered}\
             <p>Category: <span id=\"category\">{}</span></p>\n\
             <p><a id=\"card-registration\" href=\"/account/card\">CAC/Certificate \
             Registration</a></p>",
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

/// For those whom their organisation has not authorised to register.
pub(super) fn not_eligible() -> Response {
    page(
        StatusCode::OK,
        "Not Eligible",
        "not-eligible",
        &format!(
            "<h1>Not Eligible</h1>\n\
             <p>People of your category may not register for an account by themselves.</p>\n\
             {HELP_DESK}"
        ),
    )
}

pub(super) fn needs_sponsor() -> Response {
    page(
        StatusCode::OK,
        "Sponsor Needed",
        "needs-sponsor",
        "<h1>Sponsor Needed</h1>\n\
         <p>People of your category get an account through a sponsor: a government \
         representative of your programme who has an account.</p>",
    )
}

/// `until` as people read it, in UTC.
pub(super) fn locked_out(status: StatusCode, until: &str) -> Response {
    page(
        status,
        "Account Locked",
        "locked-out",
        &format!(
            "<h1>Account Locked</h1>\n\
             <p>Too many attempts have failed. Your account is locked until {}.</p>\n{HELP_DESK}",
            time("locked-until", until)
        ),
    )
}

/// `since` is year-month-day, UTC.
pub(super) fn another_card(since: &str) -> Response {
    page(
        StatusCode::OK,
        "Already Registered With Another Card",
        "another-card",
        &format!(
            "<h1>Already registered with another card</h1>\n\
             <p>Your account has been tied to another CAC since {}. If you have a new CAC, \
             <a href=\"/help#manual-registration\">register it by hand</a>.</p>",
            time("earlier-card", since)
        ),
    )
}

pub(super) fn too_many_cards() -> Response {
    page(
        StatusCode::OK,
        "Too Many Cards",
        "too-many-cards",
        "<h1>Too many cards</h1>\n\
         <p>Your account has as many CACs as it may have. Clear one before you register \
         another.</p>",
    )
}

pub(super) fn taken_card() -> Response {
    page(
        StatusCode::OK,
        "Card Already In Use",
        "taken-card",
        "<h1>Card already in use</h1>\n\
         <p>This CAC is already associated with another account.</p>",
    )
}

/// 401, though TLS took the certificate: some portals say so that they do not
/// know its holder.
pub(super) fn unauthorised() -> Response {
    let mut response = page(
        StatusCode::UNAUTHORIZED,
        "Unauthorized",
        "unauthorised",
        "<h1>401: Unauthorized</h1>\n<p>Your identity is not known here. Register first.</p>",
    );
    response.headers_mut().insert(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static("Negotiate"),
    );
    response
}

pub(super) fn maintenance(status: StatusCode, retry_after: Option<HeaderValue>) -> Response {
    let mut response = page(
        status,
        "Scheduled Maintenance",
        "maintenance",
        "<h1>Scheduled maintenance</h1>\n\
         <p>The portal is being maintained. Please come back later.</p>",
    );
    if let Some(retry_after) = retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, retry_after);
    }
    response
}

/// For a token that is unknown, too old or used up, as login.gov's 400.
pub(super) fn token_refused() -> Response {
    page(
        StatusCode::BAD_REQUEST,
        "Invalid Request",
        "token-refused",
        "<h1>Invalid request</h1>\n\
         <p>This sign-in is not valid any more. <a href=\"/\">Start again</a>.</p>",
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

/// As nginx hands it to the application where it only asks.
pub(super) fn not_verified(why: &str) -> Response {
    page(
        StatusCode::OK,
        "Certificate Not Verified",
        "certificate-not-verified",
        &format!(
            "<h1>Certificate Not Verified</h1>\n\
             <p>Verification of your certificate: <span id=\"verify\">FAILED: {}</span></p>",
            escape(why)
        ),
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

fn time(id: &str, when: &str) -> String {
    let when = escape(when);
    format!("<time id=\"{id}\" datetime=\"{when}\">{when}</time>")
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
