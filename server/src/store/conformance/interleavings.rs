//! Random interleavings of everything that moves a job or a credit, with duplicates, stale claims and a clock that
//! runs, against a model of a few lines that keeps no rows: every answer, every balance and every end must agree.

use super::{Bed, at, stems};
use crate::clock::Timestamp;
use crate::job::{Job, JobState, cancelled_share};
use crate::ledger::{Grant, LineKind, Lot};
use crate::store::terms::{Refunded, TakenBack};
use crate::store::{Admission, Cancelled, Claim, ClaimLimits, Lease, NewJob, Reaped, Settled, Store};
use crate::tenant::Tenant;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::cell::RefCell;
use std::sync::Arc;
use tributary_protocol::vocab::{Credits, JobId};

/// Small, so that they are met often.
const LIMITS: ClaimLimits<'static> = ClaimLimits { per_account: 2, attempts: 2, models: None };
const OPEN_MAX: u32 = 4;
const LEASE_SECONDS: i64 = 30;
/// Cases that share one database: opening one costs as much as ten cases.
const CASES_PER_STORE: u32 = 25;

/// Something that happens. Jobs and claims are named by their number, stale ones included.
#[derive(Clone, Debug)]
pub(in crate::store) enum Op {
    Grant { account: usize, amount: u64, again: bool, ends: Option<i64> },
    Refund { job: usize, amount: Option<u64> },
    TakeBack { account: usize, payment: usize, amount: u64 },
    EndLots,
    Admit { account: usize, quote: u64, chunks: u32, stored: bool },
    AdmitAgain { job: usize, other: bool },
    Uploaded { job: usize },
    Cancel { job: usize },
    Claim,
    Extend { claim: usize, chunks: u32 },
    Finish { claim: usize },
    Fail { claim: usize },
    Stopped { claim: usize, chunks: u32 },
    GiveBack { claim: usize },
    Reap,
    Pass { seconds: i64 },
}

pub(in crate::store) fn ops() -> impl Strategy<Value = Vec<Op>> {
    let (number, account, chunks) = (0..24usize, 0..2usize, 0..6u32);
    let op = prop_oneof![
        3 => (account.clone(), 1..20u64, any::<bool>(), prop::option::of(1..40i64))
            .prop_map(|(account, amount, again, ends)| Op::Grant { account, amount, again, ends }),
        2 => (number.clone(), prop::option::of(0..7u64)).prop_map(|(job, amount)| Op::Refund { job, amount }),
        1 => (account.clone(), 0..2usize, 1..12u64)
            .prop_map(|(account, payment, amount)| Op::TakeBack { account, payment, amount }),
        2 => Just(Op::EndLots),
        5 => (account, 0..7u64, 1..5u32, any::<bool>())
            .prop_map(|(account, quote, chunks, stored)| Op::Admit { account, quote, chunks, stored }),
        1 => (number.clone(), any::<bool>()).prop_map(|(job, other)| Op::AdmitAgain { job, other }),
        2 => number.clone().prop_map(|job| Op::Uploaded { job }),
        2 => number.clone().prop_map(|job| Op::Cancel { job }),
        5 => Just(Op::Claim),
        2 => (number.clone(), chunks.clone()).prop_map(|(claim, chunks)| Op::Extend { claim, chunks }),
        3 => number.clone().prop_map(|claim| Op::Finish { claim }),
        1 => number.clone().prop_map(|claim| Op::Fail { claim }),
        2 => (number.clone(), chunks).prop_map(|(claim, chunks)| Op::Stopped { claim, chunks }),
        1 => number.prop_map(|claim| Op::GiveBack { claim }),
        2 => Just(Op::Reap),
        2 => (1..25i64).prop_map(|seconds| Op::Pass { seconds }),
    ];
    prop::collection::vec(op, 1..22)
}

/// Which of `len` things a number names; every number names one, so that few operations miss.
fn turn(number: usize, len: usize) -> usize {
    number % len.max(1)
}

/// The real store, and what its callers remember.
pub(in crate::store) struct World {
    pub(in crate::store) store: Arc<dyn Store>,
    pub(in crate::store) tenants: [Tenant; 2],
    jobs: Vec<(usize, NewJob)>,
    claims: Vec<Claim>,
    payments: usize,
    now: i64,
}

impl World {
    pub(in crate::store) async fn new(bed: &Bed) -> Self {
        let tenants = [bed.account(0).await, bed.account(0).await];
        Self { store: Arc::clone(&bed.store), tenants, jobs: vec![], claims: vec![], payments: 0, now: 0 }
    }

    fn lease(&self) -> Timestamp {
        at(self.now + LEASE_SECONDS)
    }

    fn number(&self, id: JobId) -> usize {
        self.jobs.iter().position(|(_, new)| new.id == id).expect("a job of this case")
    }

    fn settled(settled: Settled) -> String {
        match settled {
            Settled::Yes(job) => format!("{} {}", job.state.word(), job.captured.0),
            Settled::Stale => "stale".into(),
        }
    }

    /// Does it and says what the store answered; nothing where the job or claim is not there yet.
    pub(in crate::store) async fn perform(&mut self, op: &Op) -> String {
        let (store, now) = (Arc::clone(&self.store), at(self.now));
        match *op {
            Op::Grant { account, amount, again, ends } => {
                self.payments += usize::from(!again || self.payments == 0);
                let tenant = &self.tenants[account];
                let payment_id = format!("{} {}", tenant.account(), self.payments);
                let expires_at = ends.map(|seconds| at(self.now + seconds));
                let grant = Grant { amount: Credits(amount), payment_id, note: String::new(), expires_at };
                format!("{}", store.grant(tenant, &grant, now).await.unwrap().posted)
            }
            Op::Admit { account, quote, chunks, stored } => {
                let upload_until = self.lease();
                let new = NewJob {
                    chunks,
                    clip_is_stored: stored,
                    upload_until,
                    open_max: OPEN_MAX,
                    ..super::asks(quote)
                };
                self.jobs.push((account, new.clone()));
                self.admit(account, &new).await
            }
            Op::TakeBack { account, payment, amount } => {
                let tenant = &self.tenants[account];
                let id = format!("back {} {payment}", tenant.account());
                let TakenBack { taken, missing } =
                    store.take_back(tenant, &id, Credits(amount), "", now).await.unwrap();
                format!("{taken} of {}", taken.checked_add(missing).unwrap())
            }
            Op::EndLots => format!("{} ended", store.expire_lots(now, 1000).await.unwrap()),
            Op::AdmitAgain { job, .. }
            | Op::Uploaded { job }
            | Op::Cancel { job }
            | Op::Refund { job, .. } => {
                let Some((account, new)) = self.jobs.get(turn(job, self.jobs.len())).cloned() else {
                    return String::new();
                };
                self.ask(op, account, new).await
            }
            Op::Claim => match store.claim("w", LIMITS, now, self.lease()).await.unwrap() {
                None => "nothing".into(),
                Some(claim) => {
                    let answer = format!("job {} attempt {}", self.number(claim.job.id), claim.job.attempt);
                    self.claims.push(claim);
                    answer
                }
            },
            Op::Reap => self.reap().await,
            Op::Pass { seconds } => {
                self.now += seconds;
                String::new()
            }
            Op::Extend { claim, .. }
            | Op::Finish { claim }
            | Op::Fail { claim }
            | Op::Stopped { claim, .. }
            | Op::GiveBack { claim } => {
                let Some(claim) = self.claims.get(turn(claim, self.claims.len())).cloned() else {
                    return String::new();
                };
                self.work(op, &claim).await
            }
        }
    }

    /// What the job's owner does.
    async fn ask(&self, op: &Op, account: usize, mut new: NewJob) -> String {
        let (tenant, now) = (&self.tenants[account], at(self.now));
        match *op {
            Op::AdmitAgain { other, .. } => {
                new.model.push_str(if other { "2" } else { "" });
                new.upload_until = self.lease();
                self.admit(account, &new).await
            }
            Op::Refund { amount, .. } => {
                match self.store.refund(tenant, new.id, amount.map(Credits), "sorry", now).await.unwrap() {
                    Refunded::Yes(amount, after) => format!("{amount} back, {}", after.posted),
                    Refunded::TooMuch(captured) => format!("at most {captured}"),
                    Refunded::Unknown => "unknown".into(),
                }
            }
            Op::Uploaded { .. } => {
                self.store.uploaded(tenant, new.clip.sha256, now).await.unwrap().len().to_string()
            }
            _ => match self.store.cancel(tenant, new.id, now).await.unwrap() {
                Cancelled::Now(_) => "now".into(),
                Cancelled::Asked(_) => "asked".into(),
                Cancelled::Ended(_) => "ended".into(),
                Cancelled::Unknown => "unknown".into(),
            },
        }
    }

    async fn reap(&self) -> String {
        let reaped = self.store.reap(LIMITS.attempts, at(self.now), 1000).await.unwrap();
        let what = |(_, reaped)| match reaped {
            Reaped::Expired(id) => (self.number(id), "expired"),
            Reaped::Requeued(id) => (self.number(id), "queued"),
            Reaped::Failed(id) => (self.number(id), "failed"),
            Reaped::Cancelled(id) => (self.number(id), "cancelled"),
        };
        let mut reaped: Vec<_> = reaped.into_iter().map(what).collect();
        reaped.sort_unstable();
        format!("{reaped:?}")
    }

    async fn admit(&self, account: usize, new: &NewJob) -> String {
        match self.store.admit(&self.tenants[account], new, at(self.now)).await.unwrap() {
            Admission::Admitted(_) => "admitted".into(),
            Admission::Known(_) => "known".into(),
            Admission::Conflict => "conflict".into(),
            Admission::TooMany { open } => format!("{open} open"),
            Admission::Insufficient { available, .. } => format!("only {available}"),
            Admission::OverLimit { spent } => format!("{spent} of a limit"),
            Admission::Suspended => "suspended".into(),
            Admission::OverStorage { .. } => "over storage".into(),
        }
    }

    async fn work(&self, op: &Op, claim: &Claim) -> String {
        let (store, now) = (&self.store, at(self.now));
        match *op {
            Op::Extend { chunks, .. } => match store.extend(claim, chunks, self.lease()).await.unwrap() {
                Lease::Held => "held".into(),
                Lease::CancelAsked => "cancel asked".into(),
                Lease::Lost => "lost".into(),
            },
            Op::Finish { .. } => Self::settled(store.finish(claim, &stems(), now).await.unwrap()),
            Op::Fail { .. } => Self::settled(store.fail(claim, "no", now).await.unwrap()),
            Op::Stopped { chunks, .. } => Self::settled(store.stopped(claim, chunks, now).await.unwrap()),
            _ => Self::settled(store.give_back(claim, now).await.unwrap()),
        }
    }

    /// Workers that never finish and a reaper that always comes: bounded by the tries of every job.
    pub(in crate::store) async fn end_everything(&mut self) {
        for _ in 0..100 {
            let counts = self.store.counts().await.unwrap();
            if counts.uploading + counts.queued + counts.running == 0 {
                assert_eq!(counts.holds_open, 0);
                // The next case must not meet what ends later than this one.
                self.store.expire_lots(at(self.now + 100), 1000).await.unwrap();
                return;
            }
            while self.store.claim("w", LIMITS, at(self.now), self.lease()).await.unwrap().is_some() {}
            self.now += 10 * LEASE_SECONDS;
            self.store.reap(LIMITS.attempts, at(self.now), 1000).await.unwrap();
        }
        panic!("a job does not end");
    }
}

/// The model's job; none where the admission was refused.
struct Entry {
    account: usize,
    id: JobId,
    /// Admitted as the other request under this id.
    other: bool,
    quote: u64,
    chunks: u32,
    state: JobState,
    attempt: u32,
    lost: u32,
    cancel_asked: bool,
    due: i64,
    queued_at: i64,
    captured: u64,
    refunded: u64,
    /// Which attempt settled it, and how.
    settled: Option<(u32, String)>,
}

/// What must be, by the words of the `Store`'s documentation.
#[derive(Default)]
struct Model {
    payments: Vec<(usize, usize)>,
    posted: [u64; 2],
    /// What is left of grants that end, in the order in which they came.
    lots: [Vec<(i64, u64)>; 2],
    /// What each payment that was taken back took.
    taken: Vec<(usize, usize, u64)>,
    jobs: Vec<Option<Entry>>,
    claims: Vec<(usize, u32)>,
}

impl Model {
    fn open(&self, account: usize) -> impl Iterator<Item = &Entry> {
        self.jobs.iter().flatten().filter(move |job| job.account == account && !job.state.is_terminal())
    }

    fn job(&mut self, number: usize) -> Option<&mut Option<Entry>> {
        let number = turn(number, self.jobs.len());
        self.jobs.get_mut(number)
    }

    fn available(&self, account: usize) -> u64 {
        self.posted[account] - self.held(account)
    }

    /// Lots, the soonest to end first.
    fn soonest(&mut self, account: usize) -> &mut Vec<(i64, u64)> {
        let lots = &mut self.lots[account];
        lots.retain(|(_, rest)| *rest > 0);
        lots.sort_by_key(|(ends, _)| *ends);
        lots
    }

    /// Takes so many out of what ends, the soonest first.
    fn spend(&mut self, account: usize, mut amount: u64) {
        for (_, rest) in self.soonest(account) {
            let used = amount.min(*rest);
            (*rest, amount) = (*rest - used, amount - used);
        }
    }

    fn take_back(&mut self, account: usize, payment: usize, amount: u64) -> u64 {
        let earlier = self.taken.iter().find(|(a, p, _)| (*a, *p) == (account, payment));
        if let Some((_, _, taken)) = earlier {
            return *taken;
        }
        let taken = amount.min(self.available(account));
        if taken > 0 {
            self.taken.push((account, payment, taken));
            self.posted[account] -= taken;
            let lots: u64 = self.lots[account].iter().map(|(_, rest)| rest).sum();
            self.spend(account, lots.saturating_sub(self.posted[account]));
        }
        taken
    }

    fn end_lots(&mut self, now: i64) -> u64 {
        let mut gone = 0;
        for account in [0, 1] {
            let mut available = self.available(account);
            for (_, rest) in self.soonest(account).iter_mut().filter(|(ends, _)| *ends <= now) {
                let ended = available.min(*rest);
                (*rest, available, gone) = (*rest - ended, available - ended, gone + ended);
            }
            self.posted[account] = available + self.held(account);
        }
        gone
    }

    fn refund(&mut self, number: usize, amount: Option<u64>) -> String {
        let Some(Some(job)) = self.jobs.get_mut(number) else { return "unknown".into() };
        if !job.state.is_terminal() {
            return "unknown".into();
        }
        if job.refunded == 0 {
            let amount = amount.unwrap_or(job.captured);
            if amount == 0 || amount > job.captured {
                return format!("at most {}", Credits(job.captured));
            }
            job.refunded = amount;
            self.posted[job.account] += amount;
        }
        format!("{} back, {}", Credits(job.refunded), Credits(self.posted[job.account]))
    }

    fn held(&self, account: usize) -> u64 {
        self.open(account).map(|job| job.quote).sum()
    }

    /// What the store must answer. `world` has done it: only its clock and the ids it made are read.
    fn expect(&mut self, op: &Op, world: &World) -> String {
        match *op {
            Op::Grant { account, amount, ends, .. } => {
                if !self.payments.contains(&(account, world.payments)) {
                    self.payments.push((account, world.payments));
                    self.posted[account] += amount;
                    self.lots[account].extend(ends.map(|seconds| (world.now + seconds, amount)));
                }
                Credits(self.posted[account]).to_string()
            }
            Op::Refund { .. } if self.jobs.is_empty() => String::new(),
            Op::Refund { job, amount } => self.refund(turn(job, self.jobs.len()), amount),
            Op::TakeBack { account, payment, amount } => {
                let taken = self.take_back(account, payment, amount);
                format!("{} of {}", Credits(taken), Credits(taken.max(amount)))
            }
            Op::EndLots => format!("{} ended", Credits(self.end_lots(world.now))),
            Op::Admit { .. } => {
                self.jobs.push(None);
                self.admit(self.jobs.len() - 1, false, world)
            }
            Op::AdmitAgain { job, other } => match self.jobs.get(turn(job, self.jobs.len())) {
                None => String::new(),
                Some(Some(entry)) if entry.other == other => "known".into(),
                Some(Some(_)) => "conflict".into(),
                Some(None) => self.admit(turn(job, self.jobs.len()), other, world),
            },
            Op::Uploaded { job } => match self.job(job) {
                None => String::new(),
                Some(Some(entry)) if entry.state == JobState::Uploading => {
                    (entry.state, entry.queued_at) = (JobState::Queued, world.now);
                    "1".into()
                }
                Some(_) => "0".into(),
            },
            Op::Cancel { job } => match self.job(job) {
                None => String::new(),
                Some(None) => "unknown".into(),
                Some(Some(entry)) if entry.state.is_terminal() => "ended".into(),
                Some(Some(entry)) if entry.state == JobState::Running => {
                    entry.cancel_asked = true;
                    "asked".into()
                }
                Some(Some(entry)) => {
                    entry.state = JobState::Cancelled;
                    "now".into()
                }
            },
            Op::Claim => self.claim(world.now),
            Op::Reap => self.reap(world.now),
            Op::Pass { .. } => String::new(),
            Op::Extend { claim, .. }
            | Op::Finish { claim }
            | Op::Fail { claim }
            | Op::Stopped { claim, .. }
            | Op::GiveBack { claim } => match self.claims.get(turn(claim, self.claims.len())).copied() {
                None => String::new(),
                Some((job, attempt)) => {
                    let entry = self.jobs[job].as_mut().expect("what was claimed was admitted");
                    let before = entry.captured;
                    let answer = entry.work(op, attempt, world.now);
                    let (account, taken) = (entry.account, entry.captured - before);
                    self.posted[account] -= taken;
                    self.spend(account, taken);
                    answer
                }
            },
        }
    }

    fn admit(&mut self, number: usize, other: bool, world: &World) -> String {
        let (account, new) = &world.jobs[number];
        let (account, open) = (*account, self.open(*account).count());
        let available = self.available(account);
        if open >= OPEN_MAX as usize {
            return format!("{open} open");
        }
        if available < new.quote.0 {
            return format!("only {}", Credits(available));
        }
        let state = if new.clip_is_stored { JobState::Queued } else { JobState::Uploading };
        self.jobs[number] = Some(Entry {
            account,
            id: new.id,
            other,
            quote: new.quote.0,
            chunks: new.chunks,
            state,
            attempt: 0,
            lost: 0,
            cancel_asked: false,
            due: world.now + LEASE_SECONDS,
            queued_at: world.now,
            captured: 0,
            refunded: 0,
            settled: None,
        });
        "admitted".into()
    }

    fn claim(&mut self, now: i64) -> String {
        let running =
            [0, 1].map(|account| self.open(account).filter(|job| job.state == JobState::Running).count());
        let queued = self.jobs.iter_mut().enumerate().filter_map(|(n, job)| Some((n, job.as_mut()?)));
        let next = queued
            .filter(|(_, job)| {
                job.state == JobState::Queued && running[job.account] < LIMITS.per_account as usize
            })
            .min_by_key(|(_, job)| (running[job.account], job.queued_at, job.id));
        let Some((number, job)) = next else { return "nothing".into() };
        (job.state, job.attempt, job.due) = (JobState::Running, job.attempt + 1, now + LEASE_SECONDS);
        self.claims.push((number, job.attempt));
        format!("job {number} attempt {}", job.attempt)
    }

    fn reap(&mut self, now: i64) -> String {
        let mut reaped = Vec::new();
        for (number, job) in self.jobs.iter_mut().enumerate() {
            let Some(job) = job.as_mut().filter(|job| job.due <= now) else { continue };
            job.state = match job.state {
                JobState::Uploading => JobState::Expired,
                JobState::Running if job.cancel_asked => JobState::Cancelled,
                JobState::Running if job.lost + 1 < LIMITS.attempts => JobState::Queued,
                JobState::Running => JobState::Failed,
                _ => continue,
            };
            job.lost += 1;
            reaped.push((number, job.state.word()));
        }
        format!("{reaped:?}")
    }
}

impl Entry {
    fn work(&mut self, op: &Op, attempt: u32, now: i64) -> String {
        let holds = self.state == JobState::Running && self.attempt == attempt;
        if let Op::Extend { .. } = op {
            if !holds {
                return "lost".into();
            }
            self.due = now + LEASE_SECONDS;
            return if self.cancel_asked { "cancel asked".into() } else { "held".into() };
        }
        let (state, captured, how) = match *op {
            Op::Finish { .. } => (JobState::Done, self.quote, "finished".to_owned()),
            Op::Fail { .. } => (JobState::Failed, 0, "failed".to_owned()),
            Op::Stopped { chunks, .. } => {
                let share = cancelled_share(Credits(self.quote), chunks, self.chunks).0;
                (JobState::Cancelled, share, format!("stopped after {}", chunks.min(self.chunks)))
            }
            _ if self.cancel_asked => (JobState::Cancelled, 0, String::new()),
            _ => (JobState::Queued, 0, String::new()),
        };
        if holds {
            (self.state, self.captured) = (state, captured);
            self.settled = (!how.is_empty()).then_some((attempt, how));
        } else if how.is_empty() || self.settled != Some((attempt, how)) {
            return "stale".into();
        }
        format!("{} {captured}", state.word())
    }
}

async fn check(bed: &Bed, ops: &[Op]) {
    let (mut world, mut model) = (World::new(bed).await, Model::default());
    for op in ops {
        let answer = world.perform(op).await;
        assert_eq!(answer, model.expect(op, &world), "{op:?}");
    }
    for (account, tenant) in world.tenants.iter().enumerate() {
        assert_eq!(bed.balance(tenant).await, (model.posted[account], model.held(account)));
        let left = bed.store.lots(tenant).await.unwrap();
        let left: Vec<_> = left.iter().map(|Lot { left, expires_at }| (*expires_at, left.0)).collect();
        let due: Vec<_> = model.soonest(account).iter().map(|(ends, rest)| (at(*ends), *rest)).collect();
        assert_eq!(left, due, "what ends");
        let lines = bed.store.history(tenant, None, 500).await.unwrap();
        let mut paid: Vec<_> =
            lines.iter().filter(|l| l.kind == LineKind::Capture).map(|l| (l.job, l.amount.0)).collect();
        paid.sort_unstable();
        let mut due: Vec<_> = model
            .jobs
            .iter()
            .flatten()
            .filter(|j| j.account == account && j.captured > 0)
            .map(|j| (Some(j.id), j.captured))
            .collect();
        due.sort_unstable();
        assert_eq!(paid, due, "every capture once");
    }
    bed.assert_audit_is_clean().await;
    world.end_everything().await;
    for tenant in &world.tenants {
        let jobs = bed.store.jobs(tenant, None, 200).await.unwrap();
        assert!(jobs.iter().all(|job: &Job| job.state.is_terminal()));
        assert_eq!(bed.balance(tenant).await.1, 0, "nothing is held at the end");
    }
}

/// So many random cases, on stores that `open` makes.
pub(in crate::store) fn random_interleavings_agree_with_the_model(cases: u32, open: impl AsyncFn() -> Bed) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let shared: RefCell<Option<(Bed, u32)>> = RefCell::new(None);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&ops(), |ops| {
        runtime.block_on(async {
            // Put back only after success: what a failed case left behind must not disturb its smaller versions.
            let used = shared.take().filter(|(_, cases)| *cases < CASES_PER_STORE);
            let (bed, cases) = match used {
                Some(used) => used,
                None => (open().await, 0),
            };
            check(&bed, &ops).await;
            if cases + 1 == CASES_PER_STORE {
                bed.assert_audit_is_clean().await; // with everything ended
            }
            shared.replace(Some((bed, cases + 1)));
        });
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
