//! The patient comes first and nobody is linked: a delegate's companion is alerted, the patient's page says honestly how
//! it stands, and no meeting is made before somebody has proven a launch.

use super::people::{Cast, text};
use super::report::Recorder;
use super::steps::words;

/// Plays it.
pub(super) async fn play(cast: &mut Cast<'_>, recorder: &mut Recorder) -> anyhow::Result<()> {
    let visit = cast.schedule().await?;
    let appointment = text(&visit, "appointment_id")?.to_owned();

    // First with nobody signed in anywhere: the page must not claim that somebody has been told.
    cast.patient_ready(&appointment, recorder).await?;
    let said = words(&cast.phone).await?;
    anyhow::ensure!(
        !said.contains("has been told"),
        "the page claims that somebody was told while nobody is signed in"
    );

    // Then a delegate signs in, and finds the alert waiting.
    recorder.trying("delegate-alerted", "D-Bus listener");
    let delegate = cast.organization.0["delegates"][0].clone();
    let people = cast.organization.0["people"].as_array().cloned().unwrap_or_default();
    cast.clinician = people.into_iter().find(|person| person["oid"] == delegate).unwrap_or_default();
    let mut unrecorded = Recorder::new();
    cast.sign_in(&mut unrecorded).await?;
    cast.bus.saw("Patient ready").await?;
    cast.window.see("#alert").await?;
    cast.window.picture(&cast.shot("companion-delegate")).await?;
    recorder.confirmed();

    recorder.trying("page-says-so", "Chromium");
    cast.phone.see("#told[data-told='front-desk']").await?;
    cast.phone.picture(&cast.shot("visit-page-told")).await?;
    recorder.confirmed();

    let journal = cast.stack.sandbox.journal().await?;
    anyhow::ensure!(
        !journal.iter().any(|entry| entry.what == "meeting.created"),
        "a meeting was made before any launch"
    );
    Ok(())
}
