//! The day of a clinician whom an earlier launch linked, in the real window: times and roles from the chart, without a launch
//! and without a name.

use crate::room::Room;

#[tokio::test]
async fn a_linked_clinician_sees_the_day_by_time_and_role_without_a_launch() {
    let room = Room::new().await.unwrap();
    room.linked().await.unwrap();
    let later = room.schedule(0, 1, 20).await.unwrap();
    let window = room.signed_in().await.unwrap();
    window.see("#agenda [data-who='patient']").await.unwrap();
    let shown = window.text("#agenda").await.unwrap();
    assert!(shown.contains(&later.local_start()) && shown.contains("Patient"), "{shown}");
    assert!(!shown.contains(room.patient(1).unwrap()["name"].as_str().unwrap()), "{shown}");
    room.picture(&window, "companion-agenda").await.unwrap();
    window.close().await.unwrap();
}
