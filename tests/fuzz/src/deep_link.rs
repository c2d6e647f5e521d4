//! `roomed:` links at the companion: anything on the machine may send one.

use roomed_companion::link::{LONGEST, LaunchLink};

/// Tries any bytes as a link. Panics when a promise is broken; says whether it was one.
pub fn any(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Ok(link) = LaunchLink::parse(&text) else { return false };
    assert!(text.len() <= LONGEST && text.starts_with("roomed:") && !text.contains('#'), "no link of ours: {text:?}");
    for value in [Some(&link.iss), Some(&link.launch), link.handle.as_ref()].into_iter().flatten() {
        assert!(!value.is_empty(), "an empty parameter: {text:?}");
        assert!(!value.chars().any(|it| it.is_control() || it.is_whitespace()), "a hidden letter: {text:?}");
    }
    assert!(!format!("{link:?}").contains(&link.launch) || link.launch.len() < 12, "it shows its token");
    // Written again, it is the same link.
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("launch", &link.launch).append_pair("iss", &link.iss);
    if let Some(handle) = &link.handle {
        query.append_pair("handle", handle);
    }
    let again = format!("roomed://launch?{}", query.finish());
    assert!(again.len() > LONGEST || LaunchLink::parse(&again).as_ref() == Ok(&link), "{text:?} became {again:?}");
    true
}
