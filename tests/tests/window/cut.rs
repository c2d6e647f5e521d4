//! The companion's line is cut for half a minute while a patient arrives: the alert comes when the line is whole again. The
//! time is printed; no test asserts it.

use std::time::Duration;

use e2e::clock::Stopwatch;
use e2e::line::Wire;
use e2e::window::Desktop;

use crate::patient::Patient;
use crate::room::Room;

/// What the issue asks for.
const CUT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn an_arrival_while_the_companions_line_is_cut_is_alerted_when_it_is_whole() {
    let mut room = Room::new().await.unwrap();
    let line = Wire::to(room.stack.relay.trim_start_matches("http://").parse().unwrap()).await.unwrap();
    let through = format!("http://127.0.0.1:{}", line.port);
    room.desktop = Desktop::prepare(&room.stack.directory, &through, "northside").await.unwrap();
    let (window, appointment) = room.in_visit(0).await.unwrap();
    let before = line.ports();
    assert!(!before.is_empty(), "the companion does not go through this line");
    let arriving = async {
        // It notices by itself, while nothing has been closed: the cut is real.
        window.see("#connection:not([data-state='live'])").await.unwrap();
        Patient::enter(&room, room.patient(0).unwrap(), &appointment.id).await.unwrap().ready().await.unwrap();
        assert_eq!(room.alerts(&appointment), 0, "nothing can have come through");
    };
    let cut = async { line.cut_for(CUT).await.unwrap() };
    tokio::join!(cut, arriving);
    let watch = Stopwatch::start();
    room.alerted(&appointment, 1).await.unwrap();
    println!("line cut for {} s: alerted {} ms after it was whole again", CUT.as_secs(), watch.elapsed().as_millis());
    window.see("#alert").await.unwrap();
    window.see("#connection[data-state='live']").await.unwrap();
    let now = line.ports();
    assert!(!now.is_empty() && now.iter().all(|port| !before.contains(port)), "no new connection: {before:?} {now:?}");
    window.close().await.unwrap();
}
