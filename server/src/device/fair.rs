//! Who is next on the device: start-time fair queueing between accounts (Goyal, Vin and Cheng, 1996), in batches.
//! Pure: no thread, no clock, no audio; the same pushes give the same batches.
//!
//! Every account has a tag: the virtual time (cost served / weight) at which its next chunk starts. The account
//! with the smallest tag is served and its tag moves on by cost / weight. Who was away starts at the smallest tag
//! of those who wait, so nobody saves credit by being idle. Promises, kept by the tests:
//!
//! - Of two accounts that always have work, |Si/wi - Sj/wj| <= c_max (1/wi + 1/wj) over any stretch of time, where
//!   S is the cost served, w the weight and c_max the dearest chunk. Where they use different models, and so cannot
//!   share a batch, the bound is `batch_max` times that.
//! - An account alone gets everything.
//! - An account that arrives waits for at most one chunk of every other one (at equal weights).
//!
//! Within an account jobs take turns chunk by chunk in order of arrival, so a short job is not stuck behind a
//! two-hour one.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU32;
use tributary_protocol::vocab::{AccountId, JobId};

/// Fraction bits of virtual time: rounding stays below one unit of cost in 2^32 chunks.
const FRACTION_BITS: u32 = 32;

/// Cost per weight, in units of 2^-32.
type VirtualTime = u128;

/// What may share a batch: chunks of one model and one shape.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Class {
    /// The model's name.
    pub model: String,
    /// Dimensions of a chunk without the batch dimension.
    pub shape: Vec<usize>,
}

/// One chunk that waits.
#[derive(Clone, Debug)]
pub struct Waiting<T> {
    /// Who pays with waiting time.
    pub account: AccountId,
    /// The account's share beside others; 2 gets twice as much as 1.
    pub weight: NonZeroU32,
    /// Chunks of one job stay in order.
    pub job: JobId,
    /// What it may share a batch with.
    pub class: Class,
    /// Device time it will take, in any unit that is the same for all models; 0 counts as 1.
    pub cost: u64,
    /// The work itself.
    pub item: T,
}

/// As many chunks wait as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("already {waiting_max} chunks wait for the device")]
pub struct QueueFull {
    /// The limit.
    pub waiting_max: usize,
}

/// Chunks that wait for the device, fairly ordered. See the top of this file.
#[derive(Debug)]
pub struct FairQueue<T> {
    accounts: BTreeMap<AccountId, Account<T>>,
    /// Smallest tag of those who wait; never goes back.
    now: VirtualTime,
    waiting: usize,
    waiting_max: usize,
}

#[derive(Debug)]
struct Account<T> {
    /// Virtual time at which its next chunk starts.
    tag: VirtualTime,
    /// Jobs with chunks waiting; the first is the next to be served.
    turns: VecDeque<Turn<T>>,
}

#[derive(Debug)]
struct Turn<T> {
    job: JobId,
    chunks: VecDeque<Waiting<T>>,
}

impl<T> FairQueue<T> {
    /// Empty; takes at most `waiting_max` chunks.
    #[must_use]
    pub fn new(waiting_max: usize) -> Self {
        Self { accounts: BTreeMap::new(), now: 0, waiting: 0, waiting_max }
    }

    /// Chunks that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Adds a chunk behind those of its job.
    ///
    /// # Errors
    /// Where the queue is full; the chunk is dropped.
    pub fn push(&mut self, chunk: Waiting<T>) -> Result<(), QueueFull> {
        if self.waiting >= self.waiting_max {
            return Err(QueueFull { waiting_max: self.waiting_max });
        }
        let now = self.now;
        let account = self
            .accounts
            .entry(chunk.account)
            .or_insert_with(|| Account { tag: now, turns: VecDeque::new() });
        // No banked credit: who comes back starts with those who wait. Who ran ahead keeps what it owes.
        account.tag = account.tag.max(now);
        match account.turns.iter_mut().find(|turn| turn.job == chunk.job) {
            Some(turn) => turn.chunks.push_back(chunk),
            None => account.turns.push_back(Turn { job: chunk.job, chunks: VecDeque::from([chunk]) }),
        }
        self.waiting += 1;
        Ok(())
    }

    /// Takes the chunk of the account that is furthest behind, and fills the batch up to `batch_max` with chunks of
    /// the same class in fair order, each charged to its account. Empty where nothing waits.
    pub fn next_batch(&mut self, batch_max: usize) -> Vec<Waiting<T>> {
        let mut batch = Vec::new();
        let leader =
            self.accounts.iter().filter(|(_, a)| !a.turns.is_empty()).min_by_key(|(id, a)| (a.tag, **id));
        let Some((&leader, _)) = leader else { return batch };
        batch.extend(self.take(leader, 0));
        while let Some(first) = batch.first()
            && batch.len() < batch_max
            && let Some((account, turn)) = self.next_of(&first.class, batch_max)
        {
            batch.extend(self.take(account, turn));
        }
        batch
    }

    /// Drops every chunk that `keep` refuses.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        for account in self.accounts.values_mut() {
            for turn in &mut account.turns {
                turn.chunks.retain(|chunk| keep(&chunk.item));
            }
            account.turns.retain(|turn| !turn.chunks.is_empty());
        }
        self.waiting = self.accounts.values().flat_map(|a| &a.turns).map(|turn| turn.chunks.len()).sum();
        self.advance();
    }

    /// Whose chunk of `class` is due first, and which turn of that account.
    fn next_of(&self, class: &Class, batch_max: usize) -> Option<(AccountId, usize)> {
        let mut best: Option<(VirtualTime, AccountId, usize)> = None;
        for (&id, account) in &self.accounts {
            if best.is_some_and(|(tag, ..)| tag <= account.tag) {
                continue;
            }
            let due = |turn: &Turn<T>| turn.chunks.front().is_some_and(|chunk| chunk.class == *class);
            let Some(turn) = account.turns.iter().position(due) else { continue };
            // Filling up a batch costs the others little, but it must not carry an account away from those whose
            // model cannot join: nobody gets further ahead than one batch of its own would take it.
            let ahead = account.turns[turn].chunks.front().map_or(0, virtual_cost);
            let lead_max = ahead.saturating_mul(batch_max.saturating_sub(1) as VirtualTime);
            if account.tag <= self.now.saturating_add(lead_max) {
                best = Some((account.tag, id, turn));
            }
        }
        best.map(|(_, id, turn)| (id, turn))
    }

    /// Takes the first chunk of that turn, charges the account and sends the job to the end of its line.
    fn take(&mut self, id: AccountId, turn: usize) -> Option<Waiting<T>> {
        let account = self.accounts.get_mut(&id)?;
        let mut turn = account.turns.remove(turn)?;
        let chunk = turn.chunks.pop_front()?;
        if !turn.chunks.is_empty() {
            account.turns.push_back(turn);
        }
        account.tag += virtual_cost(&chunk);
        self.waiting -= 1;
        self.advance();
        Some(chunk)
    }

    /// Moves virtual time to the smallest tag of those who wait, or to the largest of all when nobody does, and
    /// forgets accounts that neither wait nor owe.
    fn advance(&mut self) {
        let waiting = self.accounts.values().filter(|a| !a.turns.is_empty()).map(|a| a.tag).min();
        let now = waiting.or_else(|| self.accounts.values().map(|a| a.tag).max()).unwrap_or(0).max(self.now);
        self.now = now;
        self.accounts.retain(|_, account| !account.turns.is_empty() || account.tag > now);
    }
}

/// Virtual time that one chunk takes: cost / weight.
fn virtual_cost<T>(chunk: &Waiting<T>) -> VirtualTime {
    (VirtualTime::from(chunk.cost.max(1)) << FRACTION_BITS) / VirtualTime::from(chunk.weight.get())
}

#[cfg(test)]
#[path = "fair_tests.rs"]
mod tests;
