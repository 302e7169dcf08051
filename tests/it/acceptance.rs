//! What the acceptance list asks for (F1 to F20), and the test that shows it. What stands elsewhere is named here.
//!
//! | | test |
//! |---|---|
//! | F1 | `refusals::without_a_repository_or_a_ledger_nothing_can_be_told` and its neighbours |
//! | F2 | `gates::a_dry_run_answers_as_the_real_run_does_and_writes_nothing` |
//! | F3 | `refusals::what_is_asked_wrongly_is_said_to_be`, `refusals::a_variable_stands_in_for_its_flag_and_an_empty_one_for_nothing` |
//! | F4 | `seeds::the_customers_documents_are_counted_exactly` |
//! | F5 | `doubts`, `policies::what_can_never_come_true_is_found_before_it_is_in_force` |
//! | F6 | `dialects::every_dialect_gives_exactly_its_facts_or_its_error` |
//! | F7 | `sharing::what_others_sent_is_taken_and_own_entries_come_on_top_with_the_same_bytes`, `sharing::somebody_else_s_entries_are_never_signed_again` |
//! | F8 | `anchor::a_server_that_serves_less_than_it_did_is_not_to_be_followed`, `anchor::own_entries_that_were_never_pushed_may_be_made_again` |
//! | F9 | `gates::an_approval_lapses_when_a_changed_checklist_is_recorded` and its neighbours |
//! | F10 | below |
//! | F11 | `succession`, `policies::people_who_left_keep_what_they_signed_and_sign_no_more` |
//! | F12 | `stories::rollout`, `gates::a_second_attempt_has_a_folder_of_its_own_and_begins_with_nothing`, `tamper::gates` |
//! | F13 | `rules::files_whose_names_follow_a_pattern_are_found_and_no_match_is_no_pass` |
//! | F14 | `notes::only_the_region_of_a_document_changes_and_the_second_time_nothing` |
//! | F15 | `pipelines::the_page_of_a_step_is_appended_to_and_stays_under_a_mebibyte` |
//! | F16 | `rules::a_rollback_is_walked_with_one_key_a_step_and_survives_a_stop`, `rules::a_broken_glass_owes_a_review_by_somebody_else_before_the_gate_opens_again` |
//! | F17 | `demo::the_demo_ends_well_and_stock_git_accepts_all_of_it`, `demo::stock_git_refuses_a_stranger_among_the_signers` |
//! | F18 | `pipelines::the_environment_of_a_pipeline_never_changes_a_verdict`, `attacks` |
//! | F19 | `benches/scale.rs`, docs/performance.md |
//! | F20 | every test: none has a network |

use crate::steps::{approved, says_all, types};
use crate::support::POLICY;

#[test]
fn f10_a_verdict_is_the_same_for_ever_whatever_the_policy_says_later() {
    let repo = approved();
    types(&repo, "min", "promote alpha", 0);
    let before = repo.ledger("", &["check", "alpha", "--json"]).json();
    let last = before["size"].as_u64().unwrap() - 1;
    // Whoever may not change the policy cannot, and the one who may makes the gate ask for more.
    let stricter = POLICY.text(&repo).replace("\"total > 0\"]", "\"total > 0\", \"done > 5\"]");
    repo.write("ledger.toml", stricter);
    types(&repo, "kim", "policy apply -m stricter --yes", 1);
    types(&repo, "lee", "policy apply -m stricter --yes", 0);
    says_all(&types(&repo, "", "check alpha", 1), &["done is 1, expected done > 5"]);
    let then = repo.ledger("", &["check", "alpha", "--json", "--as-of", &last.to_string()]).json();
    assert_eq!(
        (&then["verdict"], &then["policy"], &then["rules"]),
        (&before["verdict"], &before["policy"], &before["rules"])
    );
    types(&repo, "", &format!("explain alpha --as-of {last}"), 0);
    types(&repo, "", "check alpha --as-of 99", 2);
    types(&repo, "", "verify", 0);
}
