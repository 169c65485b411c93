//! The main journey: signed up, credits bought, the demo song sent, watched, heard and taken home.

use super::{PASSWORD, Shop, send};
use std::collections::BTreeSet;
use std::path::Path;
use tributary_tests::chromium::{Chromium, Scripts, is_there};
use tributary_tests::{signal, wait};

/// A song of our own, as the command line's demonstration has it.
const SONG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/song/mixture.flac");
/// A rate that makes a long clip small; the model has as much to do as with any other.
const RATE_HZ: u32 = 8_000;
/// Long enough to be watched.
const WATCHED_SECONDS: u64 = 240;

#[tokio::test(flavor = "multi_thread")]
async fn from_signing_up_to_hearing_a_stem() {
    if !is_there() {
        return;
    }
    let shop = Shop::open().await;
    let ann = shop.browser(Scripts::On).await;
    shop.sign_up(&ann, "ann@example.org", "Ann").await;
    ann.open("/account").await.unwrap();
    ann.press("Sign out").await.unwrap();
    ann.shows("You are signed out.").await;
    ann.fill("email", "ann@example.org").await.unwrap();
    ann.fill("password", "not this one").await.unwrap();
    ann.find("main form button").await.click().await.unwrap();
    ann.find("[role=alert]").await;
    let said = ann.complaints().await.unwrap();
    assert!(said.iter().all(|each| each.contains("422")), "only of the answer itself: {said:?}");
    ann.fill("password", PASSWORD).await.unwrap();
    ann.find("main form button").await.click().await.unwrap();
    ann.shows("Newest jobs").await;

    shop.buy(&ann, "9.00 EUR").await;
    ann.press("Back").await.unwrap();
    ann.shows("100 available").await;
    let account = shop.account_of("ann@example.org").await;
    let balance = shop.stage.server.store.account(&account).await.unwrap().balance;
    assert_eq!(balance.available().0, 100, "once, however often it was told");

    send(&ann, Path::new(SONG)).await;
    let quote = ann.shows("1 credit at most").await;
    assert!(quote.contains("100 are available") && quote.contains("mixture"), "{quote}");
    assert!(quote.contains("0:21, 44100 Hz, 2 channels"), "{quote}");
    ann.press("Start").await.unwrap();
    let job = ann.is_at("/jobs/0").await;
    ann.find(".badge.done").await;
    check_player(&ann).await;
    check_download(&ann, &job).await;
    ann.open("/").await.unwrap();
    ann.shows("99 available").await;
    assert_eq!(ann.complaints().await.unwrap(), Vec::<String>::new());
    shop.stage.audit().await.unwrap();
}

/// Waveforms are drawn, all stems play together, and keys and clicks move them.
async fn check_player(ann: &Chromium) {
    let stems = ann.all("[data-stem]").await.unwrap().len();
    assert_eq!(stems, 4);
    let drawn = "Promise.all([...document.querySelectorAll('.wave img')].map(async (image) => {
        image.loading = 'eager';
        await image.decode();
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [600, 100];
        const paper = canvas.getContext('2d');
        paper.drawImage(image, 0, 0, 600, 100);
        const pixels = paper.getImageData(0, 0, 600, 100).data;
        let inked = 0;
        for (let at = 3; at < pixels.length; at += 4) if (pixels[at] > 0) inked += 1;
        return inked;
    }))";
    let inked = ann.ask_later(drawn).await.unwrap();
    let inked: Vec<u64> = inked.as_array().unwrap().iter().map(|each| each.as_u64().unwrap()).collect();
    // Of 60 000 points.
    assert!(inked.len() == 4 && inked.iter().all(|points| (600..59_000).contains(points)), "{inked:?}");

    ann.press("Play all").await.unwrap();
    let times = "return [...document.querySelectorAll('audio')].map((audio) => audio.currentTime)";
    let time = async || {
        let times = ann.ask(times).await.unwrap();
        times.as_array().unwrap().iter().map(|each| each.as_f64().unwrap()).collect::<Vec<f64>>()
    };
    wait::until("all stems to play", async || time().await.iter().all(|at| *at > 0.5).then_some(())).await;
    let now = time().await;
    let apart = now.iter().fold(0.0_f64, |most, at| most.max((at - now[0]).abs()));
    assert!(apart < 0.5, "stems are {apart} s apart");
    ann.press("Pause").await.unwrap();
    // From the keyboard: End goes to the end, Home to the beginning.
    let slider = ann.find("[data-seek]").await;
    slider.send_keys(&char::from(fantoccini::key::Key::Home).to_string()).await.unwrap();
    wait::until("the beginning", async || time().await.iter().all(|at| *at == 0.0).then_some(())).await;
    let waves = ann.all(".wave").await.unwrap();
    waves[1].click().await.unwrap();
    // The middle of 21 seconds.
    let is_there = async || time().await.iter().all(|at| (9.0..12.0).contains(at)).then_some(());
    wait::until("the middle", is_there).await;
    ann.find("[data-solo]").await.click().await.unwrap();
    let muted = ann.ask("return [...document.querySelectorAll('audio')].map((audio) => audio.muted)").await;
    assert_eq!(muted.unwrap(), serde_json::json!([false, true, true, true]), "one is heard alone");
}

async fn check_download(ann: &Chromium, job: &str) {
    let fetched = "(async () => {
        const link = [...document.querySelectorAll('a[download]')][0];
        const answer = await fetch(link.href);
        const bytes = new Uint8Array(await answer.arrayBuffer());
        return [answer.status, answer.headers.get('content-type'), answer.headers.get('content-disposition'),
            String.fromCharCode(...bytes.slice(0, 4)), bytes.length, new URL(link.href).pathname];
    })()";
    let fetched = ann.ask_later(fetched).await.unwrap();
    let file = format!("{job}/files/vocals.wav");
    // 21 s of two channels of floats, and a head.
    let bytes = fetched[4].as_u64().unwrap();
    assert!((7_408_800..7_408_900).contains(&bytes), "{fetched}");
    assert_eq!(fetched[0], 200);
    assert_eq!(
        (&fetched[1], &fetched[2], &fetched[3], &fetched[5]),
        (
            &"audio/wav".into(),
            &"attachment; filename=\"vocals.wav\"".into(),
            &"RIFF".into(),
            &file.as_str().into()
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_is_watched_live_and_cancelled_on_its_page() {
    if !is_there() {
        return;
    }
    let shop = Shop::with(|config| {
        config.pages.trial_credits = 1_000;
        config.worker.jobs = 1;
    })
    .await;
    let ann = shop.browser(Scripts::On).await;
    shop.sign_up(&ann, "ann@example.org", "Ann").await;
    let file = shop.stage.folder.path().join("long.wav");
    let long = signal::song(1, WATCHED_SECONDS * u64::from(RATE_HZ), 1, RATE_HZ);
    signal::write_wav(&file, &long, 1, RATE_HZ).unwrap();

    send(&ann, &file).await;
    ann.press("Start").await.unwrap();
    let job = ann.is_at("/jobs/0").await;
    ann.ask("window.loaded_once = true").await.unwrap();
    // Steps of the bar while the page stays the one that was loaded.
    let look = "const bar = document.getElementById('progress'); \
        return window.loaded_once && bar ? [bar.value, bar.max, document.getElementById('words').textContent] : null";
    let mut steps = BTreeSet::new();
    wait::until("the job's end", async || {
        let seen = ann.ask(look).await.unwrap_or_default();
        if let (Some(done), Some(of)) = (seen[0].as_f64(), seen[1].as_f64())
            && done > 0.0
            && done < of
        {
            assert!(seen[2].as_str().unwrap().contains(" chunks are done"), "{seen}");
            steps.insert(done as u64);
        }
        // The page was loaded again by itself when the job ended.
        ann.ask("return document.querySelector('.badge.done') !== null").await.ok()?.as_bool()?.then_some(())
    })
    .await;
    assert!(steps.len() >= 2, "steps that were seen: {steps:?}");
    assert_eq!(ann.place().await.unwrap(), job);

    send(&ann, &file).await;
    ann.press("Start").await.unwrap();
    ann.press("Cancel").await.unwrap();
    // The page is loaded again by itself when the job has stopped.
    ann.find(".badge.cancelled").await;
    ann.shows(" came back.").await;
    shop.stage.audit().await.unwrap();
}
