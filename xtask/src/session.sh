#!/usr/bin/env bash
# Inside dbus-run-session: brings the desktop up in the order that works, then becomes the command.
# Ends nothing: whatever was started here carries the session's mark and is swept by xtask.
set -euo pipefail
logs=$ROOMED_SESSION_DIR/logs

die() {
    echo "session: $1 did not come up; its log:" >&2
    cat "$logs/$1.log" >&2 || true
    exit 70
}

# until_true NAME COMMAND..: asks for thirty seconds, which a busy machine may need
until_true() {
    local name=$1 deadline=$((SECONDS + 30))
    shift
    while ((SECONDS < deadline)); do
        if "$@" 2>/dev/null; then return; fi
        sleep 0.02
    done
    die "$name"
}

on_bus() {
    dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner "string:$1" |
        grep -q 'boolean true'
}

has_window_manager() {
    xprop -root _NET_SUPPORTING_WM_CHECK | grep -q 'window id'
}

# First of all: if anything asks for a secret before this, the bus starts a keyring that stays locked.
printf 'session' | gnome-keyring-daemon --unlock --components=secrets --daemonize >"$logs/keyring.log" 2>&1 || die keyring
until_true keyring on_bus org.freedesktop.secrets

openbox >"$logs/openbox.log" 2>&1 &
until_true openbox has_window_manager

# A tray at the bottom right; icons come to it whenever it is there, so nobody waits for it.
trayer --edge bottom --align right --widthtype request --height 32 >"$logs/trayer.log" 2>&1 &

mkdir -p "$XDG_CONFIG_HOME/dunst"
cat >"$XDG_CONFIG_HOME/dunst/dunstrc" <<EOF
[global]
    dmenu = $ROOMED_SESSION_DIR/pick-action.sh
    browser = /bin/false
    font = DejaVu Sans 10
    width = 340
    origin = top-right
    offset = 16x16
    notification_limit = 20
    idle_threshold = 0
    follow = none
    mouse_left_click = do_action, close_current
[urgency_low]
    timeout = 0
[urgency_normal]
    timeout = 0
[urgency_critical]
    timeout = 0
EOF
dunst -conf "$XDG_CONFIG_HOME/dunst/dunstrc" >"$logs/dunst.log" 2>&1 &
until_true dunst on_bus org.freedesktop.Notifications

exec "$@" >&3 3>&-
