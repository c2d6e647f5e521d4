//! A Teams meeting as far as a roster can tell: the door, the lobby, the call, and the pages people see it through.
//! Graph hears of everything that happens here (`graph::publish`). Left out: media, chat, recording, dial-in.
//! Meetings can be driven without a browser: see the table in `switches.rs`.

mod call;
pub(crate) mod links;
mod pages;
mod room;
mod rules;
mod seats;
mod switches;
mod view;

use std::collections::HashMap;
use std::sync::Mutex;

use axum::Router;

use crate::core::Shared;

pub(crate) use call::{Delta, Happened, Place, Removed, Session, Stay};
pub(crate) use room::{Outcome, act, join, meeting_changed, with_room};
pub(crate) use rules::{Rules, Who};

/// What Teams remembers.
#[derive(Default)]
pub struct State {
    /// Rooms by chat thread; one comes to be when the first person stands at the door.
    rooms: Mutex<HashMap<String, room::Room>>,
    /// Pages that are open or were: secret seat -> (thread, leg).
    seats: Mutex<HashMap<String, (String, String)>>,
}

/// Its routes.
pub(crate) fn router() -> Router<Shared> {
    pages::router().merge(seats::router()).nest("/_sandbox", switches::router())
}
