//! The ledger's conformance suite: the same functions, run for SQLite and for PostgreSQL.

mod agreements;
mod asked;
mod backfill;
mod ceiling;
mod certificates;
mod channels;
mod closing;
mod cost;
mod cost_fill;
mod cost_lists;
mod desk;
mod directory;
mod duplicates;
mod failover;
mod files;
mod forgotten;
mod heartbeats;
pub(crate) mod kit;
mod measures;
mod meetings;
mod memory;
mod not_live;
pub(crate) mod ops;
mod orders;
mod outages;
mod pauses;
mod plans;
mod pooled;
mod reconcile;
mod recording;
mod restored;
mod retire;
pub(crate) mod reversal;
mod rights;
mod settling;
pub(crate) mod slices;
mod slips;
mod upgrade;
mod waiting;

/// Runs each function for both databases, under `sqlite::` and `postgres::`.
macro_rules! both {
    ($($file:ident: $($name:ident),+;)+) => {
        mod sqlite {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$file::$name(super::kit::sqlite().await).await;
                }
            )+)+
        }
        mod postgres {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$file::$name(super::kit::postgres().await).await;
                }
            )+)+
        }
    };
}

both! {
    slices: days_move_as_they_are_used, the_oldest_payment_of_a_channel_goes_first, a_refund_shortens_what_is_left, a_refund_is_asked_about_by_default, a_person_stops_a_payment_and_lets_it_go_on, the_brake_counts_what_is_granted_in_slices, what_is_left_goes_to_another_channel, a_hand_made_extension_makes_the_next_slice_later, an_outage_costs_one_call, a_slice_that_waits_is_no_transfer_that_is_late, days_are_granted_by_hand_once_a_key, a_restored_ledger_grants_no_key_on_faith, slices_shrink_while_the_balance_is_short, a_stop_outlives_a_refusal, a_stop_outlives_a_correction, a_payment_behind_a_held_slice_says_so, who_accepts_what_was_spent_lets_no_more_move, a_restored_ledger_asks_about_money_that_is_told_again, a_slice_that_waits_is_not_waited_for, a_slice_that_is_put_off_is_not_claimed_before, a_restored_ledger_sends_no_slice_twice, a_restored_ledger_goes_on_with_what_was_not_due, one_slice_is_sent_now, the_days_ahead_come_to_what_is_committed, slices_end_where_the_setting_does;
    channels: every_channel_stands_once_where_its_later_reading_is, a_channel_tells_what_both_know_of_it,
        channels_are_told_by_what_is_owed_and_who_pays, what_is_in_doubt_is_not_owed,
        slices_that_are_late_are_listed_by_their_time, lists_of_what_is_owed_cost_no_more_with_more_payments;
    agreements: the_last_word_counts_in_any_order, payments_belong_to_their_agreement,
        a_granted_payment_learns_its_agreement, a_customer_has_its_own, a_person_lets_go_on_what_an_end_stopped, an_end_takes_nothing_that_was_granted;
    asked: an_older_answer_replaces_nothing, questions_are_numbered_as_they_begin;
    recording: records_once, redelivery_changes_nothing, parallel_records_plan_one_transfer,
        a_link_supplies_the_channel, payments_that_are_one_are_joined, contradictions_are_held,
        another_body_is_another_event, unreadable_and_dead_are_held, changed_rules_grant_what_was_held,
        refund_before_money_holds, modes_do_not_mix, a_payment_is_never_forgotten,
        a_join_beside_a_grant_plans_one_transfer;
    settling: a_turn_to_the_end, a_fresh_payments_channel_is_taken, an_older_claim_changes_nothing, one_open_transfer_per_channel,
        parallel_claims_are_exclusive, a_lease_that_ends_is_taken_over, the_account_rests_and_goes_on,
        one_caller_takes_the_probe, due_channels_are_found_by_index;
    ceiling: smaller_transfers_go_on, an_older_larger_one_of_the_channel_waits_alone, a_round_of_probes_is_two_calls,
        a_probe_is_one_that_can_be_called, whatever_waits_is_tried_again_by_hand,
        what_is_closed_or_shorter_holds_nothing, a_token_hold_keeps_the_ceiling,
        a_held_transfer_is_never_without_its_hold;
    cost: payments_of_one_price_cost_no_more, payments_of_mixed_prices_cost_no_more,
        payments_of_one_channel_cost_no_more, a_payment_takes_few_statements;
    meetings: of_two_twins_at_once_one_is_held, two_that_share_a_weaker_name_are_one, what_is_joined_meanwhile_is_found_where_it_went,
        a_decision_and_a_recording_know_of_each_other, no_claim_takes_more_than_it_asked_for, workers_side_by_side_leave_no_channel_behind, strangers_are_recorded_side_by_side;
    measures: what_waits_is_counted_by_what_it_waits_for;
    waiting: what_was_announced_and_never_paid_is_listed, a_refund_of_what_is_not_known_is_listed;
    outages: texts_with_a_null_end_alike, what_never_fits_is_no_outage,
        what_a_clock_ahead_has_dated_is_not_believed;
    retire: only_what_nobody_pays_for_is_planned, days_that_came_back_are_on_the_balance,
        what_changed_since_is_left_out, an_unknown_outcome_is_looked_up_before_anything_else,
        a_channel_that_may_still_be_deleted_gets_no_days,
        days_that_were_given_to_a_deleted_channel_are_told,
        nothing_is_left_of_a_channel_that_nothing_was_planned_for;
    restored: what_was_unsettled_is_held, payments_of_the_forgotten_time_are_held, workers_must_be_stopped;
    upgrade: an_older_ledger_is_brought_up_to_date, what_an_older_worker_wrote_is_caught_up,
        an_older_worker_must_be_stopped_first;
    forgotten: a_forgotten_call_may_still_be_applied, the_days_that_stand_in_billing_history_count, no_claim_of_the_forgotten_time_comes_again,
        a_channel_of_the_forgotten_time_does_not_count_from_nothing, billing_history_may_know_another_name,
        a_refund_does_not_hide_that_days_may_have_moved, the_clocks_may_differ,
        a_forgotten_cancellation_can_be_repeated, nobody_says_that_nothing_was_sent,
        an_account_hold_of_the_backup_ends, no_replay_grants_what_was_forgotten;
    reconcile: payments_by_name_and_by_time, a_joined_payment_is_found_by_its_old_key,
        channels_their_movements_and_what_may_explain_them;
    backfill: one_worker_has_the_turn, a_turn_that_was_taken_over_moves_nothing,
        a_turn_too_far_off_counts_as_come, recorded_events_are_known_by_source;
    ops: persons_decide, held_payments_and_events_are_closed, a_whole_story_as_json,
        families_are_noted, held_envelopes_page, newer_schema_is_refused, reopening_keeps_all;
    desk: lists_filter_and_page, a_search_finds_by_every_name, corrections_are_weighed,
        a_refused_transfer_goes_to_another_channel, held_things_are_counted_by_cause,
        the_audit_log_is_append_only, pruned_bodies_are_those_that_nothing_waits_for, sums_grow_with_what_is_settled,
        views_belong_to_their_owner;
    reversal: before_the_grant_a_person_is_asked, before_the_grant_days_are_taken_off, what_is_planned_is_held,
        what_a_person_decides_of_the_held, what_is_planned_is_made_shorter, what_has_moved_is_listed,
        what_was_on_its_way_is_weighed_when_it_is_back, days_already_moved_short_are_owed,
        a_refund_beside_a_worker_is_never_lost, changed_settings_weigh_what_is_held, the_channel_is_paused_once, a_decision_is_for_the_cause_that_was_seen,
        a_refund_of_what_was_refused_is_for_a_person,
        other_days_than_a_person_said_are_asked_about,
        the_days_of_a_call_are_those_that_were_sent,
        what_no_call_is_known_of_is_settled_with_its_days,
        an_inquiry_is_told_and_takes_nothing, refunds_come_along_when_payments_are_joined,
        a_rehearsed_refund_keeps_nothing, a_restored_ledger_does_not_plan_again, a_flood_of_one_event_hides_no_refund, adjustments_are_append_only;
    directory: the_more_specific_wins_and_what_an_event_says_wins_over_all,
        a_purchase_told_twice_is_seen_where_the_directory_names_its_channel,
        what_is_remembered_goes_by_itself_next_time, a_text_is_an_alias_where_the_source_says_so,
        a_plan_is_done_as_it_was_shown_or_not_at_all, a_channel_that_the_partner_does_not_list_is_refused,
        a_channel_is_forgotten_once_two_lists_do_not_show_it, an_empty_list_of_an_unknown_account_forbids_no_channel,
        a_customer_is_found_by_an_e_mail_or_a_phone_and_nothing_else_is;
    duplicates: the_second_of_two_twins_is_held, a_twin_is_closed_or_joined, two_purchases_are_no_twins;
    memory: an_old_payment_that_is_told_again_is_held, facts_of_an_older_version_are_no_proof,
        a_new_ledger_grants_nothing_of_before_it, a_refund_of_before_the_ledger_is_told,
        a_person_says_how_far_back_it_grants, an_older_ledger_holds_nothing_for_its_age,
        one_event_in_two_realms_is_granted_once,
        what_a_person_releases_in_two_realms_is_asked_again, what_is_known_in_another_realm_and_not_granted_counts,
        equal_ids_of_others_are_no_suspicion;
    pauses: a_pause_stops_calls_in_its_scope, the_brake_stops_and_a_resume_counts_anew,
        the_soonest_to_expire_go_first;
    heartbeats: no_declaration_while_a_worker_runs, a_declaration_is_taken_back,
        what_was_decided_on_is_not_taken_back, the_brake_scales_with_the_account, what_would_be_dropped_is_counted;
    slips: a_correction_of_what_was_forgotten_counts, a_corrected_transfer_remembers_its_call, a_correction_goes_along_when_payments_are_joined, every_forgotten_payment_tells_its_names, one_of_another_family_is_found_by_its_key, one_large_transfer_passes_after_a_look, an_account_may_hold_a_slash, what_follows_a_look_is_counted_at_once, a_called_transfer_goes_to_no_other_channel;
    closing: a_bare_id_of_two_realms_names_nothing, a_bare_event_id_of_two_sources_names_nothing, a_name_of_both_means_what_waits, a_closed_event_stays_closed,
        money_of_another_family_is_closed, held_money_is_a_payment_that_a_person_finishes,
        what_buys_for_sure_needs_nobody, more_unclear_money_of_a_granted_payment_is_told;
    not_live: a_channel_that_is_not_live_is_listed, a_person_has_it_switched_at_once_or_leaves_it,
        it_closes_by_itself_when_it_is_live, what_was_given_up_before_is_tried_again;
    plans: a_rehearsal_keeps_nothing, a_plan_tells_what_will_happen, a_plan_moves_by_its_states;
}
