#!/bin/sh
# The notification daemon's menu, with nobody at the mouse: picks the line that holds the words of $ROOMED_DUNST_ACTION.
grep -m1 -F -- "$(cat "$ROOMED_DUNST_ACTION")" || true
