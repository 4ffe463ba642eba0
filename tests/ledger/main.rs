#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first surprise"
)]
//! One contract for every ledger: what each verb promises, whatever keeps the rows. A new engine says how it
//! is made and looked into, and is run through the same rules.

mod approval;
mod commits;
mod delivery;
mod durability;
mod engagement;
mod holds;
mod looking;
mod memory;
mod million;
#[path = "../model/mod.rs"]
mod model;
mod odd;
mod planning;
mod postgres;
mod recalls;
mod renames;
mod replicas;
#[path = "../server/mod.rs"]
mod server;
mod sessions;
mod sqlite;
mod support;
mod tokens;
mod words;

/// The rules as tests of one engine.
macro_rules! as_tests {
    ($engine:ty: $($group:ident { $($rule:ident)* })*) => {
        $(mod $group {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() {
                Box::pin(crate::$group::$rule::<$engine>()).await;
            })*
        })*
    };
}

/// Every rule for one engine. A rule that is left out here is dead code, and the compiler says so.
macro_rules! keeps_the_contract {
    ($engine:ty) => {
        as_tests! { $engine:
            planning {
                any_number_is_recorded_at_once
                a_post_reads_back_as_it_was_recorded
                recording_the_same_post_again_changes_nothing
                a_slot_is_filled_once
                a_skipped_post_gives_its_slot_back_and_a_retry_does_not_claim_it_again
                only_what_was_certainly_not_accepted_is_reworded
                only_what_was_never_tried_is_forgotten
                breaking_posts_are_next_and_then_those_that_wait_longest
                what_is_not_yet_due_elsewhere_blocked_or_at_rest_is_not_ready
                the_next_one_is_the_soonest_after_now_that_nothing_stops
                held_posts_are_not_ready
            }
            renames {
                what_is_known_of_a_message_goes_with_its_name
                a_rename_happens_once
                what_was_recorded_under_the_old_name_is_not_recorded_under_the_new
                what_would_go_out_twice_stays_with_the_old_name
                holds_go_with_the_name_and_none_is_lost
                what_is_being_sent_is_concluded_under_the_new_name
                a_recall_asked_for_before_is_not_asked_for_again
                who_was_sent_of_late_is_known_by_the_name_of_now
            }
            delivery {
                an_intent_keeps_the_standing_and_freezes_the_request
                no_intent_gets_past_a_hold
                a_hold_and_an_intent_in_one_breath_never_both_win
                an_intent_from_another_state_or_part_or_for_nothing_is_refused
                of_two_intents_for_one_post_one_is_durable
                a_conclusion_from_another_state_or_part_writes_nothing
                of_two_conclusions_for_one_post_one_counts
                a_conclusion_keeps_the_whole_standing
                every_part_of_a_thread_keeps_its_request_and_its_receipt
                the_receipts_of_a_message_are_those_of_the_post_that_went_out_last
                every_attempt_is_kept_with_what_the_platform_said
                a_person_can_say_that_one_in_doubt_was_accepted
                an_account_waits_until_it_is_told_otherwise
                one_with_the_same_request_is_a_rival_as_long_as_it_is_unaccounted_for
            }
            holds {
                each_hand_holds_for_itself
                a_released_hold_stops_everything_until_it_is_settled
                what_fell_due_during_a_hold_follows_the_campaigns_word
                a_hold_in_force_cannot_be_settled
            }
            approval {
                approvals_are_kept_in_the_order_in_which_they_were_said
            }
            sessions {
                a_session_is_kept_until_it_is_ended
                old_sessions_make_room_and_so_do_the_longest_unused
            }
            words {
                who_decides_about_a_post_is_written_down_with_what_it_does
            }
            engagement {
                what_was_counted_is_kept_by_post_in_the_order_of_time
                what_is_out_in_our_own_words_is_asked_after
            }
            tokens {
                a_token_is_kept_as_it_was_granted_and_a_new_one_takes_its_place
                one_renews_a_token_and_all_others_wait
                an_answer_that_nobody_saw_is_remembered_until_one_is_seen
                a_refused_token_is_renewed_by_nobody_until_somebody_signs_in
            }
            looking {
                posts_are_counted_by_state_and_listed_oldest_first
                history_is_newest_first_and_every_filter_narrows_it
                the_bell_rises_and_what_was_heard_is_kept
                a_note_is_kept_until_it_is_written_over
                the_past_is_what_the_planner_must_know
                the_variant_said_last_is_that_of_the_latest_post_that_was_not_dropped
            }
            recalls {
                what_is_out_is_found_by_its_facts_and_by_its_message
                what_an_edit_has_given_a_fact_is_found_by_it
                a_recall_is_recorded_once_and_found_by_what_it_recalls
                a_recall_is_no_turn_and_takes_no_place_in_the_pace
                what_the_files_say_of_a_message_does_not_stop_a_recall
                a_deletion_passes_the_holds_that_its_asker_knew_and_no_other
                a_deletion_is_not_reviewed_after_a_hold
            }
            durability {
                a_ledger_that_is_opened_again_says_the_same
            }
        }
    };
}

/// What concerns those whose writes have to reach a disk, where a later hand can change them.
macro_rules! is_on_a_disk {
    ($engine:ty) => {
        as_tests! { $engine:
            commits { many_writers_share_commits_and_lose_nothing }
            odd {
                what_the_ledger_wrote_itself_is_not_odd
                what_a_later_hand_changed_is_named
                approvals_stand_in_the_record_and_a_later_hand_shows
            }
        }
    };
}

mod in_sqlite {
    keeps_the_contract!(crate::sqlite::InSqlite);
    is_on_a_disk!(crate::sqlite::InSqlite);
}

mod in_postgres {
    keeps_the_contract!(crate::postgres::InPostgres);
    is_on_a_disk!(crate::postgres::InPostgres);
}

mod in_memory {
    keeps_the_contract!(crate::memory::Alone);
}

mod in_memory_among_others {
    keeps_the_contract!(crate::memory::Among);
}
