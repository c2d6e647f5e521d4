//! What every store must do, said once and run on each back end: the suite sees `Arc<dyn Store>` and nothing else.
//! A back end joins with a module that has `async fn given() -> (Arc<dyn Store>, impl Place)` and one more `suite!` line.
//! Rules about visits are not here.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod audit;
mod chain;
mod commits;
mod delivery;
mod events;
mod forgetting;
mod given;
mod given_up;
mod health;
mod letters;
mod looked_at;
mod nodes;
mod operator;
mod order;
mod people;
mod postgres;
mod presence;
mod removals;
mod secrets;
mod server;
mod sqlite;
mod streams;
mod together;
mod web;

/// Runs each named async function on a fresh database of one back end; those after `place` may open it once more.
macro_rules! run {
    ($on:ident, $backend:ident, store { $($module:ident :: $test:ident),* $(,)? }
     place { $($module_of_place:ident :: $test_of_place:ident),* $(,)? }) => {
        mod $on {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let (store, place) = crate::$backend::given().await;
                crate::$module::$test(store).await;
                drop(place);
            })*
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test_of_place() {
                let (store, place) = crate::$backend::given().await;
                crate::$module_of_place::$test_of_place(store, &place).await;
            })*
        }
    };
}

macro_rules! suite {
    ($on:ident in $backend:ident) => {
        run! {
            $on, $backend,
            store {
                commits::a_visit_is_found_by_id_and_by_appointment,
                commits::the_version_decides_who_commits,
                commits::of_many_at_once_each_version_goes_to_one,
                commits::an_event_heard_twice_writes_nothing,
                commits::a_refused_change_leaves_no_trace,
                commits::one_refused_among_many_at_once_stops_no_other,
                commits::open_visits_and_timers,
                commits::a_meeting_is_found_by_its_key,
                people::notices_come_in_order_per_person,
                people::cursors_grow_without_gaps_under_load,
                people::forgotten_notices_leave_the_cursor,
                people::links_lead_both_ways_and_stand,
                people::of_two_first_links_at_once_one_stands,
                people::watches_are_renewed_and_end,
                presence::a_node_is_alive_until_it_leaves,
                presence::a_silent_node_is_given_up_and_finds_it_out,
                presence::companions_are_where_they_are_said_to_be,
                presence::a_node_that_is_gone_has_no_companions,
                secrets::a_nonce_is_used_once,
                secrets::of_many_takers_one_gets_it,
                secrets::a_commit_uses_up_or_refuses,
                secrets::page_sessions_end,
                secrets::the_first_organization_key_stands,
                web::a_browser_is_signed_in_until_it_is_out,
                web::a_browser_in_use_lives_on_and_not_for_ever,
                letters::a_letter_is_one_nodes_until_it_is_settled,
                letters::of_many_each_letter_goes_to_one,
                letters::a_refused_change_sends_nothing_and_a_forgotten_visit_neither,
                removals::an_ended_visit_is_one_nodes_and_keeps_its_leg,
                removals::an_end_given_or_taken_back_meanwhile_is_not_lost,
                removals::a_refused_end_removes_nobody_and_a_leg_outlives_its_visit,
                given_up::a_meeting_is_given_up_with_the_change_and_the_visit_has_none_or_the_next,
                given_up::nobody_is_told_any_more_of_a_meeting_that_was_given_up,
                given_up::a_given_up_meeting_is_one_nodes_until_it_is_settled,
                given_up::a_refused_change_gives_nothing_up_and_a_forgotten_visit_leaves_nothing,
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
                forgetting::a_closed_visit_is_forgotten_and_summed_up,
                forgetting::an_open_visit_is_not_forgotten,
                forgetting::what_was_not_sent_is_given_up_aloud,
                forgetting::a_late_word_does_not_wake_what_is_destroyed,
                forgetting::destroyed_rows_cannot_be_sent_and_go_with_time,
                forgetting::closed_visits_say_what_holds_them,
                forgetting::events_are_forgotten_by_age,
                forgetting::summaries_are_found_by_planned_start,
            }
            place {
                health::pace_and_breaker_outlive_the_process,
                chain::the_chain_goes_on_after_a_restart,
                looked_at::it_is_read_beside_a_relay_that_goes_on,
                looked_at::what_is_no_relays_is_told_apart,
            }
        }
    };
}

suite!(on_sqlite in sqlite);
suite!(on_postgres in postgres);
