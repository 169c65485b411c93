//! The promises of the fair queue, simulated.

use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

const NO_LIMIT: usize = usize::MAX;

fn account(n: u8) -> AccountId {
    AccountId::from_slice(&[n; 16]).unwrap()
}

fn job(n: u8) -> JobId {
    JobId::from_slice(&[n; 16]).unwrap()
}

/// A chunk of job `n` of account `n`; the item is the account's number.
fn chunk(n: u8, weight: u32, model: &str, cost: u64) -> Waiting<u8> {
    let class = Class { model: model.to_owned(), shape: vec![2, 4] };
    Waiting {
        account: account(n),
        weight: NonZeroU32::new(weight).unwrap(),
        job: job(n),
        class,
        cost,
        item: n,
    }
}

#[derive(Clone, Debug)]
struct Backlogged {
    weight: u32,
    /// Model and cost, taken in turn.
    chunks: Vec<(&'static str, u64)>,
}

/// Serves accounts that always have more work than one batch takes. Returns the largest
/// |Si/wi - Sj/wj| / (c_max (1/wi + 1/wj)) of any two accounts over any stretch of time.
fn worst_unfairness(accounts: &[Backlogged], batch_max: usize, decisions: usize) -> f64 {
    let mut queue = FairQueue::new(NO_LIMIT);
    let mut pushed = vec![0_usize; accounts.len()];
    let mut push = |queue: &mut FairQueue<u8>, n: usize| {
        let Backlogged { weight, chunks } = &accounts[n];
        let (model, cost) = chunks[pushed[n] % chunks.len()];
        pushed[n] += 1;
        queue.push(chunk(u8::try_from(n).unwrap(), *weight, model, cost)).unwrap();
    };
    for n in 0..accounts.len() {
        (0..=batch_max).for_each(|_| push(&mut queue, n));
    }
    let c_max = accounts.iter().flat_map(|a| &a.chunks).map(|(_, cost)| *cost).max().unwrap() as f64;
    let mut served = vec![0.0; accounts.len()];
    let mut extremes: HashMap<(usize, usize), (f64, f64)> = HashMap::new();
    let mut taken = 0;
    while taken < decisions {
        let batch = queue.next_batch(batch_max);
        assert!(!batch.is_empty() && batch.len() <= batch_max);
        assert!(batch.iter().all(|chunk| chunk.class == batch[0].class));
        taken += batch.len();
        for chunk in batch {
            let n = usize::from(chunk.item);
            push(&mut queue, n);
            served[n] += chunk.cost as f64 / f64::from(chunk.weight.get());
            for other in (0..accounts.len()).filter(|other| *other != n) {
                let pair = (n.min(other), n.max(other));
                let lead = served[pair.0] - served[pair.1];
                let (low, high) = extremes.entry(pair).or_insert((0.0, 0.0));
                (*low, *high) = (low.min(lead), high.max(lead));
            }
        }
    }
    let inverse = |n: usize| 1.0 / f64::from(accounts[n].weight);
    let relative = |(pair, (low, high)): (&(usize, usize), &(f64, f64))| {
        (high - low) / (c_max * (inverse(pair.0) + inverse(pair.1)))
    };
    extremes.iter().map(relative).fold(0.0, f64::max)
}

fn backlogged(models: &'static [&'static str]) -> impl Strategy<Value = Backlogged> {
    let chunks = prop::collection::vec((prop::sample::select(models), 1_u64..1000), 1..8);
    (1_u32..8, chunks).prop_map(|(weight, chunks)| Backlogged { weight, chunks })
}

proptest! {
    #[test]
    fn accounts_that_always_have_work_stay_within_one_dearest_chunk_of_each_other(
        accounts in prop::collection::vec(backlogged(&["mini"]), 2..6),
        batch_max in 1_usize..6,
    ) {
        prop_assert!(worst_unfairness(&accounts, batch_max, 2000) <= 1.0 + 1e-6);
    }

    #[test]
    fn accounts_with_any_mix_of_models_stay_within_one_batch_of_each_other(
        accounts in prop::collection::vec(backlogged(&["mini", "big", "odd"]), 2..6),
        batch_max in 1_usize..6,
    ) {
        prop_assert!(worst_unfairness(&accounts, batch_max, 2000) <= batch_max as f64 + 1e-6);
    }

    #[test]
    fn who_arrives_waits_for_at_most_one_chunk_of_every_other_account(
        costs in prop::collection::vec(1_u64..1000, 1..12),
        before in 0_usize..200,
    ) {
        let mut queue = FairQueue::new(NO_LIMIT);
        let c_max = *costs.iter().max().unwrap();
        for (n, &cost) in (1_u8..).zip(&costs) {
            (0..before + costs.len() + 1).for_each(|_| queue.push(chunk(n, 1, "mini", cost)).unwrap());
        }
        (0..before).for_each(|_| drop(queue.next_batch(1)));
        queue.push(chunk(0, 1, "mini", 1)).unwrap();
        let mut waited = 0;
        while let Some(served) = queue.next_batch(1).pop() && served.item != 0 {
            waited += served.cost;
        }
        prop_assert!(waited <= c_max * costs.len() as u64, "{waited}");
    }

    #[test]
    fn every_chunk_leaves_once_and_in_the_order_of_its_job(
        chunks in prop::collection::vec((0_u8..4, 0_u8..3, 1_u64..9), 1..200),
        batch_max in 1_usize..5,
    ) {
        let mut queue = FairQueue::new(NO_LIMIT);
        for (index, &(n, of, cost)) in chunks.iter().enumerate() {
            let Waiting { account, weight, class, .. } = chunk(n, 1, if of == 0 { "big" } else { "mini" }, 1);
            queue.push(Waiting { account, weight, job: job(4 * n + of), class, cost, item: index }).unwrap();
        }
        let mut out = Vec::new();
        while queue.waiting() > 0 {
            out.extend(queue.next_batch(batch_max));
        }
        let mut seen: Vec<_> = out.iter().map(|chunk| chunk.item).collect();
        for of in out.iter().map(|chunk| chunk.job) {
            prop_assert!(out.iter().filter(|chunk| chunk.job == of).map(|chunk| chunk.item).is_sorted());
        }
        seen.sort_unstable();
        prop_assert_eq!(seen, (0..chunks.len()).collect::<Vec<_>>());
    }
}

#[test]
fn a_million_decisions_between_ten_accounts_keep_the_bound() {
    let model = |n: u32| if n.is_multiple_of(3) { "big" } else { "mini" };
    let accounts: Vec<_> = (0..10)
        .map(|n| Backlogged {
            weight: 1 + n % 4,
            chunks: (1..=u64::from(n) + 1).map(|c| (model(n), c)).collect(),
        })
        .collect();
    let began = std::time::Instant::now();
    let worst = worst_unfairness(&accounts, 4, 1_000_000);
    println!("10^6 decisions in {:.2?}, worst unfairness {worst:.2} of at most 4", began.elapsed());
    assert!(worst <= 4.0 + 1e-6);
}

#[test]
fn riding_along_in_the_batches_of_another_account_carries_nobody_away() {
    // The first account's job alternates between two shapes, so it never fills a batch by itself; the second could
    // ride along in every other batch, three chunks at a time, while the third has nobody to ride with.
    let always = |chunks| Backlogged { weight: 1, chunks };
    let worst = worst_unfairness(
        &[always(vec![("mini", 1), ("odd", 1)]), always(vec![("mini", 1)]), always(vec![("big", 1)])],
        4,
        10_000,
    );
    assert!(worst <= 4.0 + 1e-6, "{worst}");
}

#[test]
fn an_account_alone_gets_every_place_of_every_batch() {
    let mut queue = FairQueue::new(NO_LIMIT);
    (0..64).for_each(|_| queue.push(chunk(1, 1, "mini", 1_000_000)).unwrap());
    for _ in 0..8 {
        assert_eq!(queue.next_batch(8).len(), 8);
    }
    assert!(queue.next_batch(8).is_empty());
}

#[test]
fn nine_light_accounts_are_done_before_a_heavy_one_has_had_more_than_its_share() {
    let mut queue = FairQueue::new(NO_LIMIT);
    (0..10_000).for_each(|_| queue.push(chunk(0, 1, "mini", 7)).unwrap());
    for n in 1..10 {
        (0..10).for_each(|_| queue.push(chunk(n, 1, "mini", 7)).unwrap());
    }
    let served: Vec<u8> = (0..25).flat_map(|_| queue.next_batch(4)).map(|chunk| chunk.item).collect();
    assert_eq!(served.iter().filter(|n| **n == 0).count(), 10, "a tenth");
    assert_eq!(served.iter().filter(|n| **n != 0).count(), 90, "all of the others");
}

#[test]
fn twice_the_weight_gets_twice_the_chunks() {
    let mut queue = FairQueue::new(NO_LIMIT);
    for _ in 0..300 {
        queue.push(chunk(1, 1, "mini", 5)).unwrap();
        queue.push(chunk(2, 2, "mini", 5)).unwrap();
    }
    let served: Vec<u8> = (0..300).flat_map(|_| queue.next_batch(1)).map(|chunk| chunk.item).collect();
    let light = served.iter().filter(|n| **n == 1).count();
    assert!((99..=101).contains(&light), "{light} of 300");
}

#[test]
fn who_was_away_does_not_get_the_device_for_the_time_it_missed() {
    let mut queue = FairQueue::new(NO_LIMIT);
    queue.push(chunk(2, 1, "mini", 1)).unwrap();
    (0..200).for_each(|_| queue.push(chunk(1, 1, "mini", 1)).unwrap());
    (0..100).for_each(|_| drop(queue.next_batch(1)));
    (0..50).for_each(|_| queue.push(chunk(2, 1, "mini", 1)).unwrap());
    let served: Vec<u8> = (0..20).flat_map(|_| queue.next_batch(1)).map(|chunk| chunk.item).collect();
    assert_eq!(served.iter().filter(|n| **n == 2).count(), 10, "half from now on, nothing for the past");
}

#[test]
fn a_short_job_is_not_stuck_behind_a_two_hour_one_of_the_same_account() {
    let mut queue = FairQueue::new(NO_LIMIT);
    (0..2000).for_each(|_| queue.push(chunk(1, 1, "mini", 1)).unwrap());
    (0..5).for_each(|_| queue.push(Waiting { job: job(9), ..chunk(1, 1, "mini", 1) }).unwrap());
    let served: Vec<_> = (0..10).flat_map(|_| queue.next_batch(1)).map(|chunk| chunk.job).collect();
    assert_eq!(served.iter().filter(|of| **of == job(9)).count(), 5);
}

#[test]
fn a_batch_never_mixes_models_or_shapes() {
    let mut queue = FairQueue::new(NO_LIMIT);
    queue.push(chunk(1, 1, "mini", 1)).unwrap();
    queue.push(chunk(2, 1, "big", 1)).unwrap();
    let mut longer = chunk(3, 1, "mini", 1);
    longer.class.shape = vec![2, 5];
    queue.push(longer).unwrap();
    assert_eq!([(); 4].map(|()| queue.next_batch(8).len()), [1, 1, 1, 0]);
}

#[test]
fn what_is_cancelled_leaves_the_queue_and_is_not_charged() {
    let mut queue = FairQueue::new(NO_LIMIT);
    for _ in 0..10 {
        queue.push(chunk(1, 1, "mini", 1)).unwrap();
        queue.push(chunk(2, 1, "mini", 1)).unwrap();
    }
    queue.retain(|item| *item != 1);
    assert_eq!(queue.waiting(), 10);
    (0..10).for_each(|_| queue.push(chunk(1, 1, "mini", 1)).unwrap());
    let served: Vec<u8> = queue.next_batch(6).into_iter().map(|chunk| chunk.item).collect();
    assert_eq!(served.iter().filter(|n| **n == 1).count(), 3);
}

#[test]
fn a_full_queue_refuses_and_takes_again_when_there_is_room() {
    let mut queue = FairQueue::new(2);
    queue.push(chunk(1, 1, "mini", 1)).unwrap();
    queue.push(chunk(1, 1, "mini", 1)).unwrap();
    assert_eq!(queue.push(chunk(2, 1, "mini", 1)), Err(QueueFull { waiting_max: 2 }));
    drop(queue.next_batch(1));
    queue.push(chunk(2, 1, "mini", 1)).unwrap();
}

#[test]
fn the_highest_costs_and_weights_do_not_overflow() {
    let mut queue = FairQueue::new(NO_LIMIT);
    for _ in 0..100 {
        queue.push(chunk(1, 1, "mini", u64::MAX)).unwrap();
        queue.push(chunk(2, u32::MAX, "mini", 0)).unwrap();
    }
    let served: usize = (0..100).map(|_| queue.next_batch(64).len()).sum();
    assert_eq!(served, 200);
}
