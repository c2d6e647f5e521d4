//! What an operator relies on: the tools of the command line, backup and restore, and that what is over is really gone. On
//! real databases, real keys and, for the commands, the real binary. The stores' own promises are `tests/stores`.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod audit;
mod given_up;
mod group;
mod home;
mod loot;
mod meetings;
mod outbox;
mod place;
mod program;
mod provider;
mod release;
mod restore;
#[path = "../stores/server.rs"]
mod server;
mod server_time;
mod shredding;
mod thief;

/// Each is given a database of either kind. What only one of them can show is a test where it stands.
macro_rules! on_both {
    ($($module:ident :: $test:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                crate::$module::$test(crate::home::Kind::Sqlite).await;
            })*
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                crate::$module::$test(crate::home::Kind::Postgres).await;
            })*
        }
    };
}

on_both! {
    audit::a_good_ledger_a_changed_record_and_a_cut_tail,
    audit::a_database_of_something_else_is_no_bad_ledger,
    audit::records_are_exported_line_by_line,
    group::patients_who_launch_at_once_are_in_one_visit_each_once,
    given_up::what_graph_refuses_to_delete_is_asked_for_a_day,
    given_up::a_cancelled_visit_that_time_closes_has_its_meeting_deleted_once,
    given_up::each_meeting_that_was_given_up_is_deleted_and_never_the_one_the_visit_goes_on_in,
    given_up::a_graph_that_hangs_and_refuses_holds_up_nothing_else,
    given_up::what_a_relay_of_before_left_to_be_deleted_is_deleted_once,
    given_up::a_node_that_does_not_know_the_organization_leaves_its_meetings_to_another,
    meetings::who_talks_in_a_meeting_that_graph_denies_is_met_there,
    meetings::one_at_a_time_goes_in_however_they_ask,
    meetings::two_who_come_at_once_where_the_meeting_was_deleted_are_in_one,
    meetings::a_meeting_stays_where_the_ehr_has_moved_it,
    meetings::no_link_is_handed_out_that_leads_nowhere,
    meetings::nobody_is_told_of_a_meeting_that_was_given_up_by_whoever_renews_its_watch,
    outbox::rows_are_listed_shown_retried_and_skipped,
    outbox::what_may_have_been_applied_is_sent_on_an_operators_word,
    outbox::a_replay_looks_first_and_says_what_is_destroyed,
    restore::where_the_ehr_cannot_be_read_a_state_waits_for_a_witness_and_the_rest_for_an_operator,
    restore::where_the_ehr_can_be_read_it_decides,
    restore::what_the_ehr_does_not_show_is_sent_only_if_it_cannot_overwrite_anything_newer,
    restore::a_visit_that_was_forgotten_since_the_backup_stays_forgotten,
    restore::a_meeting_of_a_visit_that_was_over_is_asked_for_before_it_is_gone_on_in,
    restore::the_real_relay_sends_nothing_of_a_backup_and_without_the_flag_it_would,
    shredding::nothing_opens_a_finished_visit_from_whatever_backup_with_every_key_that_survives,
    shredding::what_is_not_settled_keeps_its_visit_and_what_is_parked_keeps_it_for_a_week,
    shredding::a_day_stays_as_long_as_one_visit_of_it_is_open,
    shredding::who_went_away_unseen_and_how_long_was_waited_is_kept_for_the_reports,
    shredding::a_cancelled_visit_waits_for_its_meeting_to_be_deleted_for_a_day_at_most,
}
