//! The addresses of a meeting: `joinWebUrl` as Teams writes it (lower-case escapes) and the patients' browser link.
//! Leaves out short `/meet/` links. Nobody but this sandbox may take one of them apart (T-SHORT).

use std::fmt::Write as _;

/// `joinWebUrl` of a meeting, with `{"Tid":..,"Oid":..}` as its context.
pub(crate) fn join_web_url(teams: &str, thread: &str, tid: &str, oid: &str) -> String {
    let context = format!("{{\"Tid\":\"{tid}\",\"Oid\":\"{oid}\"}}");
    format!("{teams}/l/meetup-join/{}/0?context={}", escape(thread), escape(&context))
}

/// What `getVirtualAppointmentJoinWebUrl` answers: a browser page without an account.
pub(crate) fn virtual_appointment_url(teams: &str, tid: &str, thread: &str) -> String {
    format!("{teams}/webrtc-svc/api/route?tid={tid}&convId={thread}")
}

/// The meeting page itself; `anonymous` people are never asked for an account.
pub(crate) fn meeting_page(thread: &str, anonymous: bool) -> String {
    format!("/meeting/{}{}", escape(thread), if anonymous { "?anonymous=true" } else { "" })
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02x}");
        }
    }
    escaped
}
