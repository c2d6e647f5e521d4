//! The relay goes away in the very moment of *I'm ready*: whether the press had been kept or not, the patient ends in the
//! waiting room and the clinician is alerted, once.

use e2e::line::Line;

use crate::clinic::{Clinic, pressed_until_waiting};

#[tokio::test]
async fn a_press_that_was_kept_but_never_answered_counts_once() {
    let mut clinic = Clinic::open().await.unwrap();
    let (visit, phone) = clinic.on_the_ready_screen().await.unwrap();
    clinic.line.is(Line::Unanswered);
    phone.click("#ready").await.unwrap();
    visit.alerted().await.unwrap();
    clinic.stack.kill_relay().await.unwrap();
    clinic.line.is(Line::Whole);
    clinic.stack.start_relay().await.unwrap();
    pressed_until_waiting(&phone).await.unwrap();
    visit.patient_is("waiting").await.unwrap();
    assert_eq!(visit.alerts().await.unwrap(), 1);
    phone.close().await.unwrap();
}

#[tokio::test]
async fn a_press_into_the_restart_is_said_to_have_failed_and_the_next_one_counts() {
    let mut clinic = Clinic::open().await.unwrap();
    let (visit, phone) = clinic.on_the_ready_screen().await.unwrap();
    clinic.stack.kill_relay().await.unwrap();
    phone.click("#ready").await.unwrap();
    phone.see("#trouble:not(:empty)").await.unwrap();
    clinic.stack.start_relay().await.unwrap();
    assert_eq!(visit.alerts().await.unwrap(), 0);
    pressed_until_waiting(&phone).await.unwrap();
    visit.alerted().await.unwrap();
    assert_eq!(visit.alerts().await.unwrap(), 1);
    phone.close().await.unwrap();
}
