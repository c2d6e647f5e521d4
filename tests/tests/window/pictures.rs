//! The picture of the README: the companion beside Hyperspace while a patient waits, with names fit to be shown.
//! Composed by hand from the two that stand in `ROOMED_SHOTS` afterwards.

use e2e::browser::Browser;
use e2e::stack::Options;
use e2e::wait;

use crate::patient::Patient;
use crate::room::Room;

#[tokio::test]
async fn companion_and_chart_show_the_same_waiting_patient() {
    let room = Room::with(Options { canaries: false, seed: Some(7), ..Options::default() }).await.unwrap();
    let folder = &room.stack.directory;
    let hyperspace =
        Browser::start(&folder.join("profile"), &folder.join("logs/chromium.log"), (1400, 900)).await.unwrap();
    hyperspace.open(&format!("{}/hyperspace/", room.stack.sandbox.at("epic"))).await.unwrap();
    hyperspace
        .click(&format!("button[data-emp='{}']", room.me().unwrap()["emp_user"].as_str().unwrap()))
        .await
        .unwrap();
    hyperspace.see("#provider").await.unwrap();

    let (window, appointment) = room.in_visit(0).await.unwrap();
    Patient::enter(&room, room.patient(0).unwrap(), &appointment.id).await.unwrap().ready().await.unwrap();
    window.see("#alert").await.unwrap();
    window.see("[data-participant='patient'][data-presence='waiting']").await.unwrap();
    hyperspace.click(&format!("[data-appointment='{}']", appointment.id)).await.unwrap();
    hyperspace
        .see(&format!("[data-panel='{}'] [data-live='patient'][data-state='Connected']", appointment.id))
        .await
        .unwrap();
    // The chart has been told, and the companion knows that it has.
    window.see("[data-participant='patient'] [data-chart='written']").await.unwrap();
    wait::until("the waiting time runs", async || Ok((!window.text("main").await?.contains("00:00")).then_some(())))
        .await
        .unwrap();
    room.picture(&window, "readme-companion").await.unwrap();
    hyperspace.picture(&room.shot("readme-hyperspace").unwrap()).await.unwrap();

    let name = room.patient(0).unwrap()["name"].as_str().unwrap();
    let family = name.split([',', ' ']).find(|part| part.len() > 1).unwrap();
    assert!(window.text("#patient-name").await.unwrap().contains(family));
    hyperspace.close().await.unwrap();
    window.close().await.unwrap();
}
