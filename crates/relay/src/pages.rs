//! The built web pages, inside the binary (in a debug build: read from `ui/dist` as it is).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

/// What these pages may do: their own files, their own relay. Nothing from elsewhere, nothing written into the page. The
/// pages' tests in `ui/tests` serve the same line; camera and microphone need no word of it.
const POLICY: &str = include_str!("page-policy.txt").trim_ascii_end();

#[derive(RustEmbed)]
#[folder = "../../ui/dist/visit"]
#[allow_missing = true]
struct VisitPage;

#[derive(RustEmbed)]
#[folder = "../../ui/dist/staff"]
#[allow_missing = true]
struct StaffPage;

#[derive(RustEmbed)]
#[folder = "../../ui/dist/portal"]
#[allow_missing = true]
struct PortalPage;

/// A file of the visit page.
pub(crate) fn visit(file: &str) -> Response {
    serve(VisitPage::get(file), file)
}

/// A file of the staff page.
pub(crate) fn staff(file: &str) -> Response {
    serve(StaffPage::get(file), file)
}

/// A file of the portal.
pub(crate) fn portal(file: &str) -> Response {
    serve(PortalPage::get(file), file)
}

fn serve(found: Option<rust_embed::EmbeddedFile>, file: &str) -> Response {
    let Some(found) = found else {
        return (StatusCode::NOT_FOUND, "This page is not part of Roomed.").into_response();
    };
    let kind = mime_guess::from_path(file).first_or_octet_stream();
    // Built assets carry a hash in their name; the page itself must always be asked for.
    let cache = if file.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-store" };
    let mut response = found.data.into_owned().into_response();
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(kind.as_ref()) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
