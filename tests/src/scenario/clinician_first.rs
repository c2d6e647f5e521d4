//! The walkthrough of ARCHITECTURE.md, "A patient arrives", with the real binaries; and the same visit when the patient
//! comes first and an earlier launch has linked the clinician.

use super::people::{Cast, text};
use super::report::Recorder;

/// Plays it.
pub(super) async fn play(cast: &mut Cast<'_>, recorder: &mut Recorder, patient_first: bool) -> anyhow::Result<()> {
    cast.sign_in(recorder).await?;
    cast.open_hyperspace().await?;
    if patient_first {
        link(cast, recorder).await?;
    }
    let visit = cast.schedule().await?;
    let appointment = text(&visit, "appointment_id")?.to_owned();
    cast.hyperspace.page.refresh().await?;
    if patient_first {
        // 5. Arrival. Nobody has launched yet: the linked clinician is alerted, with time and role only.
        arrive(cast, recorder, &appointment).await?;
        begin(cast, recorder, &appointment).await?;
    } else {
        begin(cast, recorder, &appointment).await?;
        arrive(cast, recorder, &appointment).await?;
    }
    // 9. To the clinician: Join opens Teams; with the patient ready, beginning from the chart goes straight in.
    cast.join(recorder, patient_first).await?;
    recorder.trying("chart-shows-provider", "Chromium");
    cast.chart_shows(&appointment, "practitioner", "Connected").await?;
    recorder.confirmed();
    cast.patient_admitted(recorder).await?;
    cast.everybody_leaves(&appointment, recorder).await?;
    cast.close_visit(recorder).await?;
    cast.picture_of_an_error().await
}

/// 1. Launch, 2. Who, 3. Trust, 4. Meeting.
async fn begin(cast: &mut Cast<'_>, recorder: &mut Recorder, appointment: &str) -> anyhow::Result<()> {
    cast.begin(appointment, recorder).await?;
    cast.visit_opened(recorder).await?;
    cast.meeting_made(recorder).await
}

/// 5. Arrival, 6. One door, 7. One commit, 8. To the chart, and the alert of 9.
async fn arrive(cast: &mut Cast<'_>, recorder: &mut Recorder, appointment: &str) -> anyhow::Result<()> {
    cast.patient_ready(appointment, recorder).await?;
    recorder.trying("chart-shows-patient", "Chromium");
    cast.chart_shows(appointment, "patient", "Connected").await?;
    cast.hyperspace.picture(&cast.shot("hyperspace")).await?;
    recorder.confirmed();
    cast.notified(recorder).await
}

/// An earlier visit of another patient, whose launch links the clinician's EHR user to their Microsoft identity.
async fn link(cast: &mut Cast<'_>, recorder: &mut Recorder) -> anyhow::Result<()> {
    recorder.trying("earlier-launch", "nobody");
    let patient = cast.organization.0["patients"][1].clone();
    let earlier = cast.stack.sandbox.schedule(&cast.organization, &cast.clinician, &patient).await?;
    cast.hyperspace.page.refresh().await?;
    let mut unrecorded = Recorder::new();
    cast.begin(text(&earlier, "appointment_id")?, &mut unrecorded).await?;
    cast.window.click("#end-visit").await?;
    cast.window.click("#confirm-end").await?;
    // From here on a token, a meeting or a subscription counts only if it is the second visit's.
    cast.stack.sandbox.saw("subscription.created", |_| true).await?;
    cast.before = cast.stack.sandbox.journal().await?.last().map_or(0, |entry| entry.n);
    recorder.restart();
    Ok(())
}
