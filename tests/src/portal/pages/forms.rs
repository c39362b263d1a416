//! Pages with forms, and what leads to them.

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::{escape, page, time};
use crate::portal::store::Card;
use crate::portal::terms::Given;

/// The form that a one-time token travels in. Nothing is left to a person,
/// unless scripts are off.
pub(in crate::portal) fn travelling(action: &str, token: &str) -> Response {
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>Signing in</title>\n</head>\n<body onload=\"document.forms[0].submit()\">\n\
         <noscript>\n<p>Your browser does not run scripts. Press Continue once.</p>\n</noscript>\n\
         <form method=\"post\" action=\"{}\">\n\
         <input type=\"hidden\" name=\"RelayState\" value=\"account\">\n\
         <input type=\"hidden\" name=\"SAMLResponse\" value=\"{}\">\n\
         <noscript>\n<input type=\"submit\" value=\"Continue\">\n</noscript>\n\
         </form>\n</body>\n</html>\n",
        escape(action),
        escape(token)
    );
    let headers = [(header::CACHE_CONTROL, "no-store")];
    (StatusCode::OK, headers, Html(html)).into_response()
}

/// A notice that has to be accepted before signing in goes on.
pub(in crate::portal) fn consent(notice: &str, csrf: &str) -> Response {
    page(
        StatusCode::OK,
        "Notice and Consent",
        "consent",
        &format!(
            "<h1>Notice and consent</h1>\n<div id=\"notice\">{}</div>\n\
             <form id=\"accept\" method=\"post\" action=\"/consent\">\n{}\n\
             <button type=\"submit\">I accept</button>\n</form>",
            escape(notice),
            hidden(csrf)
        ),
    )
}

/// Where user name and password are asked for: again, if they were wrong.
pub(in crate::portal) fn log_in(csrf: &str, is_again: bool) -> Response {
    page(
        StatusCode::OK,
        "Log In",
        "log-in",
        &format!(
            "<h1>Log in</h1>\n{}\
             <form id=\"log-in-form\" method=\"post\" action=\"/login\">\n{}\n\
             <label>User name <input type=\"text\" name=\"user\" autocomplete=\"username\">\
             </label>\n{}\n<button type=\"submit\">Log in</button>\n</form>",
            wrong(is_again, "User name or password is wrong."),
            hidden(csrf),
            password_field()
        ),
    )
}

/// Where a log-in leads.
pub(in crate::portal) fn home(account: &str) -> Response {
    page(
        StatusCode::OK,
        "Home",
        "home",
        &format!(
            "<h1>You are logged in as <span id=\"user\">{}</span></h1>\n\
             <p><a id=\"my-account\" href=\"/account\">My Account</a></p>",
            escape(account)
        ),
    )
}

/// The account's cards, with what can be done about them.
pub(in crate::portal) fn cards(cards: &[Card], csrf: &str) -> Response {
    let register = "<p><a id=\"register\" href=\"/account/card/register\">Register</a></p>";
    let main = if cards.is_empty() {
        format!("<p id=\"no-card\">No CAC is registered to your account.</p>\n{register}")
    } else {
        let rows: String = cards.iter().map(card_row).collect();
        format!(
            "<table id=\"cards\">\n\
             <tr><th>Issuer</th><th>Serial number</th><th>Registered on</th></tr>\n{rows}</table>\n\
             <form id=\"clear\" method=\"post\" action=\"/account/card/clear\">\n{}\n\
             <button type=\"submit\">Clear</button>\n</form>\n{register}",
            hidden(csrf)
        )
    };
    page(
        StatusCode::OK,
        "CAC/Certificate Registration",
        "card",
        &format!("<h1>CAC/Certificate Registration</h1>\n{main}"),
    )
}

/// Where the password is asked for once more: again, if it was wrong.
pub(in crate::portal) fn password_again(csrf: &str, given: Given, is_again: bool) -> Response {
    let certificate = match given {
        Given::InTls => "",
        Given::AsText => "<label>Certificate <textarea name=\"certificate\"></textarea></label>",
    };
    page(
        StatusCode::OK,
        "Register Your CAC",
        "register-card",
        &format!(
            "<h1>Register your CAC</h1>\n\
             <p>Put your CAC into its reader and enter your password again.</p>\n{}\
             <form id=\"register-form\" method=\"post\" action=\"/account/card/register\">\n{}\n{}\n{certificate}\n\
             <button type=\"submit\">Register</button>\n</form>",
            wrong(is_again, "Password is wrong."),
            hidden(csrf),
            password_field()
        ),
    )
}

/// What the holder is to print.
pub(in crate::portal) fn confirmation(card: &Card) -> Response {
    page(
        StatusCode::OK,
        "Confirmation",
        "confirmation",
        &format!(
            "<h1>Your CAC has been registered</h1>\n\
             <p>Please print this page and keep it.</p>\n\
             <dl>\n<dt>Confirmation</dt><dd id=\"confirmation-number\">{:06}</dd>\n\
             <dt>Account</dt><dd id=\"account-name\">{}</dd>\n\
             <dt>Certificate</dt><dd id=\"serial\">{}</dd>\n\
             <dt>Registered on</dt><dd>{}</dd>\n</dl>\n\
             <button type=\"button\" onclick=\"window.print()\">Print</button>",
            card.id,
            escape(&card.account),
            escape(&card.serial),
            time("registered-on", &card.registered_on)
        ),
    )
}

/// For a form that does not belong to the session it came with.
pub(in crate::portal) fn expired() -> Response {
    page(
        StatusCode::FORBIDDEN,
        "Form Expired",
        "form-expired",
        "<h1>Form expired</h1>\n<p>This form is not valid any more. Load the page again.</p>",
    )
}

/// By hand a card is tied to its own holder's account only.
pub(in crate::portal) fn not_theirs() -> Response {
    page(
        StatusCode::OK,
        "Not Your Card",
        "not-your-card",
        "<h1>Not your card</h1>\n\
         <p>The certificate does not belong to the holder of this account.</p>",
    )
}

fn card_row(card: &Card) -> String {
    format!(
        "<tr><td>{}</td><td>{}</td><td>{}</td></tr>\n",
        escape(&card.issuer),
        escape(&card.serial),
        escape(&card.registered_on)
    )
}

fn wrong(is_again: bool, what: &str) -> String {
    if is_again {
        format!("<p class=\"error\" id=\"wrong\">{what}</p>\n")
    } else {
        String::new()
    }
}

fn password_field() -> &'static str {
    "<label>Password <input type=\"password\" name=\"password\" \
     autocomplete=\"current-password\"></label>"
}

fn hidden(csrf: &str) -> String {
    format!(
        "<input type=\"hidden\" name=\"csrf\" value=\"{}\">",
        escape(csrf)
    )
}
