//! The relay goes away and comes back: the window says so, and whoever became ready meanwhile is not missed.

use e2e::window::signal_companions;

use crate::patient::Patient;
use crate::room::Room;

#[tokio::test]
async fn an_arrival_while_the_companion_was_cut_off_is_alerted_afterwards() {
    let mut room = Room::new().await.unwrap();
    let (window, appointment) = room.in_visit(0).await.unwrap();
    room.stack.stop_relay().await.unwrap();
    window.see("#connection:not([data-state='live'])").await.unwrap();
    room.picture(&window, "companion-reconnecting").await.unwrap();

    // Frozen, so that it cannot have been there when the patient came.
    assert_eq!(signal_companions("-STOP").await.unwrap().len(), 1);
    room.stack.start_relay().await.unwrap();
    Patient::enter(&room, room.patient(0).unwrap(), &appointment.id).await.unwrap().ready().await.unwrap();
    assert_eq!(room.alerts(&appointment), 0);
    signal_companions("-CONT").await.unwrap();

    window.see("#connection[data-state='live']").await.unwrap();
    window.see("#alert").await.unwrap();
    room.alerted(&appointment, 1).await.unwrap();
    window.close().await.unwrap();
}
