//! What every store must do, said once and run on each back end: the suite sees `Arc<dyn Store>` and nothing else.
//! A back end joins by one more line in `backends!`. Rules about visits are not here.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod commits;
mod delivery;
mod given;
mod people;
mod secrets;
mod sqlite;
mod streams;

/// Runs each named async function on a fresh store of every back end.
macro_rules! conformance {
    ($($module:ident :: $test:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let place = crate::sqlite::place().await;
                crate::$module::$test(place.store.clone()).await;
            })*
        }
    };
}

conformance! {
    commits::a_visit_is_found_by_id_and_by_appointment,
    commits::the_version_decides_who_commits,
    commits::of_many_at_once_each_version_goes_to_one,
    commits::an_event_heard_twice_writes_nothing,
    commits::a_refused_change_leaves_no_trace,
    commits::open_visits_and_timers,
    commits::a_meeting_is_found_by_its_key,
    people::notices_come_in_order_per_person,
    people::cursors_grow_without_gaps_under_load,
    people::forgotten_notices_leave_the_cursor,
    people::links_lead_both_ways_and_stand,
    people::watches_are_renewed_and_end,
    secrets::a_nonce_is_used_once,
    secrets::of_many_takers_one_gets_it,
    secrets::a_commit_uses_up_or_refuses,
    secrets::page_sessions_end,
    secrets::the_first_organization_key_stands,
    delivery::a_row_is_claimed_delivered_and_shown,
    delivery::many_claims_at_once_never_share_a_stream,
    delivery::a_stream_in_flight_gives_nothing_else,
    delivery::a_dropped_lease_comes_back_and_its_owner_is_fenced_off,
    delivery::retry_waits_for_its_time_and_counts,
    delivery::a_missing_identifier_is_no_failure,
    delivery::parked_rows_wait_for_somebody,
    streams::the_newest_state_supersedes_what_waits,
    streams::a_newer_state_waits_for_the_one_in_flight,
    streams::an_unknown_outcome_is_asserted_once_more,
    streams::a_takeover_is_asserted_once_more,
    streams::a_lost_fence_reasserts_what_was_delivered,
    streams::one_poisoned_stream_stops_no_other,
}
