//! The conformance suite of the databases (`tests/stores`) on the store in memory, as far as delivery goes: what is proven
//! about delivery in memory holds for them as far as they are the same thing.

use std::sync::Arc;

use roomed_relay::clock::{Clock, SystemClock};
use roomed_relay::store::Store;

use crate::memory::MemoryStore;

fn store() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new(Arc::new(|| SystemClock.now().as_millisecond()), false))
}

macro_rules! run {
    ($($module:ident :: $test:ident),* $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            crate::$module::$test(store()).await;
        })*
    };
}

run! {
    commits::of_many_at_once_each_version_goes_to_one,
    delivery::a_row_is_claimed_delivered_and_shown,
    delivery::many_claims_at_once_never_share_a_stream,
    delivery::a_stream_in_flight_gives_nothing_else,
    delivery::a_dropped_lease_comes_back_and_its_owner_is_fenced_off,
    delivery::retry_waits_for_its_time_and_counts,
    delivery::what_an_outage_did_does_not_count,
    delivery::a_missing_identifier_is_no_failure,
    delivery::parked_rows_wait_for_somebody,
    delivery::the_chart_follows_presence_alone,
    delivery::doubt_is_set_kept_and_cleared,
    order::open_visits_go_before_history,
    order::longest_runnable_first_then_by_acceptance,
    order::a_claim_is_of_one_connection,
    order::connections_in_use_have_something_to_do,
    order::a_claim_says_when_to_come_back,
    order::a_clock_that_was_ahead_strands_nothing,
    order::states_of_one_visit_take_turns_where_they_are_one_resource,
    events::events_go_one_by_one_and_are_never_superseded,
    events::one_that_is_parked_lets_the_next_go,
    events::a_lost_event_that_did_not_leave_goes_at_once,
    events::a_lost_event_that_may_have_left_waits_for_the_settle_delay,
    events::a_late_word_about_an_event_changes_nothing,
    events::nothing_is_sent_under_a_lease_that_is_lost,
    health::the_pace_is_kept_and_says_when,
    health::the_breaker_opens_lets_one_through_and_closes,
    health::what_a_fenced_off_attempt_learned_counts,
    health::a_turn_is_taken_from_the_same_pace_and_leaves_half_of_it,
    health::what_really_left_is_paid_for,
    health::connections_do_not_share_their_luck,
    health::a_failure_is_the_rows_own_when_others_went,
    streams::the_newest_state_supersedes_what_waits,
    streams::a_newer_state_waits_for_the_one_in_flight,
    streams::an_unknown_outcome_is_asserted_once_more,
    streams::what_began_before_the_delay_was_over_is_asserted_once_more,
    streams::a_takeover_is_asserted_once_more,
    streams::a_lost_fence_reasserts_what_was_delivered,
    streams::doubt_passes_on_to_the_newer_state,
    streams::one_poisoned_stream_stops_no_other,
    operator::a_parked_row_is_retried,
    operator::a_row_is_skipped_with_its_reason,
    operator::a_delivered_state_is_replayed,
    operator::a_possible_double_stays_known,
    operator::after_a_restore_nothing_is_sent_blindly,
    operator::rows_are_listed_by_acceptance,
    chain::every_step_is_in_the_ledger_and_chained,
    chain::a_takeover_and_a_late_word_are_in_the_ledger,
    chain::of_many_at_once_no_place_is_missing,
    chain::the_story_of_one_row_is_told_by_itself,
    chain::a_refused_change_is_not_in_the_ledger,
    forgetting::an_open_visit_is_not_forgotten,
    forgetting::what_was_not_sent_is_given_up_aloud,
    forgetting::destroyed_rows_cannot_be_sent_and_go_with_time,
    forgetting::closed_visits_say_what_holds_them,
    forgetting::events_are_forgotten_by_age,
    forgetting::summaries_are_found_by_planned_start,
}
