//! Pages as other makers' servers show them, in words of our own.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::page;
use crate::portal::fault::IisRefusal;

/// Where F5 sends those whose session it could not open.
pub(in crate::portal) const F5_LOG_OUT: &str = "/my.logout.php3";

/// IIS names the sub-code in its detailed pages only, never in the status line.
pub(in crate::portal) fn iis(refusal: IisRefusal) -> Response {
    let code = refusal.sub_code();
    let what = match refusal {
        IisRefusal::TlsRequired => "The page can be seen over TLS only.",
        IisRefusal::CertificateRequired => {
            "The page requires a client certificate, and none was sent."
        }
        IisRefusal::MapperDenied => {
            "The client certificate is denied: it is mapped to no account of this server."
        }
        IisRefusal::CertificateRevoked => {
            "The client certificate was revoked, or its revocation could not be checked."
        }
        IisRefusal::CertificateUntrusted => {
            "The client certificate is untrusted or cannot be read."
        }
        IisRefusal::CertificateExpired => "The client certificate has expired or is not yet valid.",
    };
    let html = format!(
        "<!DOCTYPE html>\n<html>\n<head>\n\
         <title>IIS 10.0 Detailed Error - 403.{code} - Forbidden</title>\n</head>\n<body>\n\
         <div id=\"content\">\n<h2>HTTP Error 403.{code} - Forbidden</h2>\n<h3>{what}</h3>\n\
         </div>\n</body>\n</html>\n"
    );
    let headers = [(header::SERVER, "Microsoft-IIS/10.0")];
    (StatusCode::FORBIDDEN, headers, Html(html)).into_response()
}

/// On the way to the log-out page.
pub(in crate::portal) fn f5_redirect() -> Response {
    let headers = [
        (header::LOCATION, format!("{F5_LOG_OUT}?errorcode=19")),
        (
            header::SET_COOKIE,
            "MRHSession=deleted; Path=/; Max-Age=0; Secure".to_owned(),
        ),
    ];
    (StatusCode::FOUND, headers).into_response()
}

pub(in crate::portal) fn f5_log_out() -> Response {
    let mut response = page(
        StatusCode::OK,
        "BIG-IP logout page",
        "main_table",
        "<h1>Your session could not be established.</h1>\n\
         <p>The session reference number: <span id=\"session\">5f0c1a2b</span></p>\n\
         <p>Access was denied by the access policy. \
         <a href=\"/\">Click here</a> to start a new session.</p>",
    );
    response
        .headers_mut()
        .insert(header::SERVER, HeaderValue::from_static("BigIP"));
    response
}

/// Its title would clear a terminal, name its window, colour what follows and
/// turn the reading direction round.
pub(in crate::portal) fn unrecognised() -> Response {
    page(
        StatusCode::OK,
        "Wel\u{1b}[2J\u{1b}]0;owned\u{7}come \u{202e}lit\u{2066}\u{200f}ram \u{1b}[31mred\u{9b}1m",
        "something-new",
        "<h1>Something new</h1>\n<p>Nobody has written a rule for this page.</p>",
    )
}
