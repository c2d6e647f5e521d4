//! `cargo xtask session` from outside: the desktop inside works, is not the person's own, and leaves nothing behind.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::process::Command;

/// Runs a script in a session; its lines and its exit code.
fn inside(script: &str) -> (Vec<String>, Option<i32>) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_xtask")).args(["session", "--", "sh", "-c", script]).output().unwrap();
    // shown only if the test fails
    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    (said, output.status.code())
}

#[test]
fn home_keyring_display_and_exit_code_are_the_sessions() {
    let (said, code) = inside(
        r#"echo "$HOME"; printf s3cret | secret-tool store --label=x a b && secret-tool lookup a b; echo
           xprop -root _NET_SUPPORTING_WM_CHECK | head -c 5; echo
           stat -c %a "$XDG_RUNTIME_DIR"; printf '%s|%s\n' "$XDG_CURRENT_DESKTOP" "$BROWSER"; exit 7"#,
    );
    assert_eq!(code, Some(7), "{said:?}");
    assert_eq!(said[1..], ["s3cret", "_NET_", "700", "|/bin/false"]);
    assert!(!Path::new(&said[0]).exists(), "the session's home is gone");
}

#[test]
fn the_action_of_a_notification_is_the_one_asked_for() {
    let (said, code) = inside(
        r#"notify-send --wait --action=default=Open --action=join=Join "Patient ready" "10:30" &
           for try in $(seq 200); do [ "$(dunstctl count displayed)" = 1 ] && break; sleep 0.05; done
           dunstctl context; wait $!"#,
    );
    assert_eq!((said, code), (vec!["join".to_owned()], Some(0)));
}

#[test]
fn nothing_of_a_session_is_left() {
    let (said, _) = inside(r#"setsid tail -f /dev/null >/dev/null 2>&1 & echo $! "$ROOMED_SESSION_DIR""#);
    let (pid, folder) = said[0].split_once(' ').unwrap();
    // a dead process that nobody has buried yet has an empty environment
    let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    assert!(environ.is_empty(), "still runs");
    assert!(!Path::new(folder).exists());
}

#[test]
fn standard_output_is_the_commands_alone() {
    // Asking for the accessibility registry makes the bus start a service that greets on its standard output.
    let (said, code) = inside(
        r#"bus=$(dbus-send --session --print-reply=literal --dest=org.a11y.Bus /org/a11y/bus org.a11y.Bus.GetAddress | tr -d ' ')
           dbus-send --bus="$bus" --print-reply --dest=org.a11y.atspi.Registry /org/a11y/atspi/accessible/root \
               org.freedesktop.DBus.Peer.Ping >&2
           echo mine"#,
    );
    assert_eq!(code, Some(0));
    assert_eq!(said, ["mine"]);
}
