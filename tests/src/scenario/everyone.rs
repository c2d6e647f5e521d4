//! Everybody the visit is for, each with a screen of their own: the patient on a phone, staff who room them, an
//! interpreter, a colleague of another hospital and somebody of the family by link, and the clinician, who ends it for all.

use super::people::{Cast, text};
use super::report::Recorder;

/// Plays it.
pub(super) async fn play(cast: &mut Cast<'_>, recorder: &mut Recorder) -> anyhow::Result<()> {
    cast.sign_in(recorder).await?;
    cast.staff_sign_in(recorder).await?;
    cast.open_hyperspace().await?;
    let visit = cast.schedule().await?;
    let appointment = text(&visit, "appointment_id")?.to_owned();
    cast.hyperspace.page.refresh().await?;
    cast.begin(&appointment, recorder).await?;
    cast.visit_opened(recorder).await?;
    cast.meeting_made(recorder).await?;

    cast.patient_ready(&appointment, recorder).await?;
    recorder.trying("chart-shows-patient", "Chromium");
    cast.chart_shows(&appointment, "patient", "Connected").await?;
    recorder.confirmed();
    cast.notified(recorder).await?;
    cast.staff_room(recorder).await?;
    cast.guest_ready("interpreter", "interpreter-waiting", recorder).await?;
    cast.guest_ready("colleague", "colleague-waiting", recorder).await?;
    cast.guest_ready("family", "family-waiting", recorder).await?;

    cast.join(recorder, false).await?;
    cast.patient_admitted(recorder).await?;
    cast.guest_admitted("interpreter", "interpreter-connected", recorder).await?;
    cast.colleague_admitted(recorder).await?;
    cast.guest_admitted("family", "family-connected", recorder).await?;
    cast.five_are_inside(recorder).await?;

    cast.end_for_all(&appointment, recorder).await?;
    cast.leave_one_by_one(&appointment, recorder).await?;
    cast.one_true_story(&appointment, recorder).await
}
