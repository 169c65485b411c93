//! The laws that every store obeys. An adapter's tests call [`laws!`] with how to open it, and each law is one test.
//! After each law the books are audited.

pub(super) mod accounts;
pub(super) mod addresses;
pub(super) mod admission;
pub(super) mod artifacts;
pub(super) mod closing;
pub(super) mod crowd;
pub(super) mod interleavings;
pub(super) mod keeping;
pub(super) mod leases;
pub(super) mod people;
pub(super) mod purchases;
pub(super) mod settlement;
pub(super) mod tenants;
pub(super) mod terms;
pub(super) mod webhooks;
pub(super) mod widgets;

use super::{Admission, Claim, ClaimLimits, KeyRow, NewJob, Store};
use crate::clock::Timestamp;
use crate::job::{Job, StemArtifact};
use crate::ledger::{Audit, Grant};
use crate::tenant::Tenant;
use std::any::Any;
use std::sync::Arc;
use tributary_protocol::settings::{Setting, Settings};
use tributary_protocol::vocab::{AccountId, ClipHeader, Credits, JobId, Sha256};

/// Limits that forbid nothing.
pub(super) const FREELY: ClaimLimits<'static> =
    ClaimLimits { per_account: 1000, attempts: 1000, models: None };
/// When uploads and leases of these tests end, in seconds.
pub(super) const DEADLINE: i64 = 1000;

/// An empty store, and whatever must outlive it.
pub(super) struct Bed {
    pub(super) store: Arc<dyn Store>,
    pub(super) _keep: Box<dyn Any>,
}

/// So many seconds after the beginning.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds * 1_000_000)
}

/// A job like a client asks for: four chunks, its clip already there.
pub(super) fn asks(quote: u64) -> NewJob {
    let id = JobId::generate();
    let mut sha256 = [7; 32];
    sha256[..16].copy_from_slice(id.as_bytes());
    NewJob {
        id,
        model: "mini".into(),
        stems: vec!["drums".into(), "vocals".into()],
        title: "Träume".into(),
        clip: ClipHeader { sha256: Sha256(sha256), frames: 44_100, channels: 2, rate_hz: 44_100 },
        settings: Settings::from([("strength_db".into(), Setting::Number(12.5))]),
        references: Vec::new(),
        chunks: 4,
        quote: Credits(quote),
        clip_is_stored: true,
        upload_until: at(DEADLINE),
        open_max: 1000,
        person: None,
        visitor: None,
        spend_limit: None,
        storage_limit: None,
    }
}

/// A key of nobody that never ends, whose other columns matter to no test.
pub(super) fn nobodys() -> KeyRow {
    crate::auth::api_key::ApiKey::generate().row(AccountId::generate(), "")
}

/// Two finished stems.
pub(super) fn stems() -> Vec<StemArtifact> {
    let stem = |name: &str, byte| StemArtifact { name: name.into(), sha256: Sha256([byte; 32]), bytes: 9 };
    vec![stem("vocals", 1), stem("drums", 2)]
}

impl Bed {
    /// A new account with so many credits.
    pub(super) async fn account(&self, credits: u64) -> Tenant {
        let id = AccountId::generate();
        let tenant = Tenant::acting_for(id);
        self.store.create_account(id, &id.to_string(), 100, at(0)).await.unwrap();
        if credits > 0 {
            self.grant(&tenant, credits, &format!("first of {id}")).await;
        }
        tenant
    }

    pub(super) async fn grant(&self, tenant: &Tenant, credits: u64, payment: &str) {
        let grant = Grant {
            amount: Credits(credits),
            payment_id: payment.into(),
            note: "paid".into(),
            expires_at: None,
        };
        self.store.grant(tenant, &grant, at(0)).await.unwrap();
    }

    pub(super) async fn admit(&self, tenant: &Tenant, new: &NewJob, now: i64) -> Job {
        match self.store.admit(tenant, new, at(now)).await.unwrap() {
            Admission::Admitted(job) => job,
            other => panic!("not admitted: {other:?}"),
        }
    }

    /// Claims for ever-living workers; the lease ends at [`DEADLINE`].
    pub(super) async fn claim(&self, now: i64) -> Option<Claim> {
        self.store.claim("worker", FREELY, at(now), at(DEADLINE)).await.unwrap()
    }

    /// A job with a worker.
    pub(super) async fn running(&self, tenant: &Tenant, quote: u64) -> Claim {
        let job = self.admit(tenant, &asks(quote), 1).await;
        let claim = self.claim(2).await.unwrap();
        assert_eq!(claim.job.id, job.id);
        claim
    }

    pub(super) async fn job(&self, tenant: &Tenant, id: JobId) -> Job {
        self.store.job(tenant, id).await.unwrap().unwrap()
    }

    /// Posted and held.
    pub(super) async fn balance(&self, tenant: &Tenant) -> (u64, u64) {
        let balance = self.store.account(tenant).await.unwrap().balance;
        (balance.posted.0, balance.held.0)
    }

    pub(super) async fn assert_audit_is_clean(&self) {
        assert_eq!(self.store.audit().await.unwrap(), Audit::default());
    }
}

/// `laws!(open)` makes one test of each law; `open` is an async function that answers an empty [`Bed`].
macro_rules! laws {
    ($open:path) => {
        $crate::store::conformance::laws! { $open;
            accounts: a_name_is_given_once an_unknown_account_is_said_to_be_none
                a_payment_grants_once_whoever_asks_again a_payment_of_another_account_is_refused
                more_than_an_account_can_hold_is_refused history_is_newest_first_with_the_credits_after_each_line
                a_revoked_key_is_found_dead_and_stays_so;
            admission: exactly_enough_credits_admit_and_are_held one_credit_too_few_changes_nothing
                the_same_request_again_answers_the_first_job another_request_under_the_same_id_is_a_conflict
                the_open_jobs_of_an_account_are_limited an_upload_queues_every_job_that_waits_for_it
                a_job_waits_for_its_clip_and_every_reference
                a_job_without_price_runs_without_moving_credits jobs_are_listed_newest_first_in_pages;
            settlement: a_finished_job_captures_its_hold a_failed_job_costs_nothing
                a_stopped_job_pays_the_share_of_its_chunks settling_again_in_the_same_way_answers_the_same
                settling_again_in_another_way_is_stale a_cancel_ends_waiting_jobs_and_asks_running_ones
                a_cancel_after_the_end_changes_nothing seq_rises_by_one_with_every_visible_change;
            leases: a_worker_with_an_old_attempt_changes_nothing a_job_given_back_keeps_its_place_and_its_tries
                a_stopped_job_that_is_given_back_ends_released an_upload_that_never_came_expires
                an_upload_that_goes_on_does_not_expire a_lost_lease_is_queued_again_until_its_tries_are_used_up
                a_lost_lease_of_a_stopped_job_ends_released reaping_is_bounded_by_its_limit
                claims_are_fair_between_accounts a_claim_is_of_the_models_named_or_of_what_is_old the_place_in_the_queue_counts_those_before
                a_lowered_limit_of_tries_ends_waiting_jobs;
            artifacts: content_is_needed_while_a_job_that_is_not_forgotten_names_it
                forgetting_keeps_the_row_and_the_money stale_jobs_are_those_that_ended_and_are_not_forgotten;
            keeping: erased_results_are_seen_by_nobody_and_are_next_to_be_deleted
                every_content_that_is_kept_counts_once an_account_keeps_no_more_than_it_may;
            tenants: a_foreign_job_is_the_same_as_no_job a_foreign_key_is_the_same_as_no_key
                two_tenants_may_use_one_id;
            people: an_address_signs_up_once_whatever_was_asked_before a_link_is_good_once_and_until_its_time
                a_session_shows_an_account_as_long_as_its_person_belongs_to_it another_password_ends_the_other_sessions
                an_invitation_makes_a_member_once an_account_keeps_an_owner
                a_member_who_leaves_takes_keys_and_sessions_along_and_leaves_what_was_done
                a_device_gets_one_key_when_somebody_lets_it_in what_ended_long_ago_is_swept;
            terms: a_members_limit_is_for_what_is_held_and_taken_since_the_month_began a_suspended_account_starts_nothing
                credits_that_end_are_spent_first_and_the_soonest_before_others
                credits_that_are_held_when_they_end_end_when_they_come_back
                a_job_is_refunded_once_and_never_more_than_it_took a_payment_is_taken_back_once_as_far_as_it_is_there
                usage_is_counted_by_day_model_and_person;
            purchases: a_purchase_is_agreed_once_and_paid_once what_has_ended_is_not_changed_but_by_money
                money_that_goes_back_is_on_record an_account_is_topped_up_one_payment_at_a_time
                an_event_is_one_however_often_it_comes purchases_that_nobody_told_about_are_looked_at_in_turn;
            webhooks: an_end_is_told_to_those_who_want_it_once an_account_has_so_many_endpoints_and_sees_its_own
                an_endpoint_is_made_once_a_name an_endpoint_that_changes_hears_of_other_ends_from_then_on
                an_endpoint_that_takes_nothing_for_days_is_switched_off
                what_is_taken_up_is_nobody_elses_until_its_lease_ends one_endpoint_keeps_no_other_waiting
                a_delivery_is_tried_until_it_is_taken_or_given_up an_old_secret_signs_until_its_time;
            widgets: an_account_has_so_many_widgets_and_sees_its_own a_revoked_widget_is_found_by_nobody_and_stays_so
                a_widget_is_made_once_a_name a_job_comes_by_a_widget_of_its_own_account
                a_widgets_limit_is_for_what_its_visitors_hold_and_take_since_the_month_began
                a_visitor_finds_their_own_job_and_nothing_else what_came_by_a_widget_says_so_in_every_list;
            closing: an_account_closes_when_nothing_of_it_is_under_way closing_ends_all_of_an_account_but_its_lines
                who_is_left_in_no_account_is_forgotten_and_nobody_else
                whoever_had_a_trial_and_is_gone_is_known_by_a_hash_alone;
            addresses: an_address_becomes_another_by_the_newest_link_once an_address_that_is_taken_changes_nothing
                an_address_that_was_left_gets_no_second_trial;
            crowd: sixty_four_spenders_spend_exactly_what_is_there eight_workers_claim_each_job_once
                a_hold_settled_by_many_at_once_is_settled_once;
        }
    };
    ($open:path; $($group:ident: $($law:ident)+;)+) => {
        $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $law() {
                let bed = $open().await;
                $crate::store::conformance::$group::$law(&bed).await;
                bed.assert_audit_is_clean().await;
            }
        )+)+
    };
}
pub(super) use laws;
