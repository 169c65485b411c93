//! The sound's journey: a clip goes in, stems that sum to it come out, and the balance is lower by the quote.

use tributary_protocol::client::{HistoryPage, JobState, LedgerKind, QuoteAsk};
use tributary_protocol::settings::Settings;
use tributary_protocol::vocab::Credits;
use tributary_tests::{Stage, signal};

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_becomes_stems_that_sum_to_it_and_costs_its_quote() {
    let stage = Stage::new().await.unwrap();
    let take = stage.take(1, 44_100 * 15).unwrap();
    let ask = QuoteAsk {
        model: "mini".to_owned(),
        frames: take.header.frames,
        channels: 2,
        rate_hz: 44_100,
        settings: Settings::new(),
    };
    let quote = stage.client.quote(&ask).await.unwrap();
    assert_eq!((quote.credits, quote.available), (Credits(1), Credits(600)));

    let job = stage.separate(&take).await.unwrap();
    assert_eq!(job.state, JobState::Done, "{job:?}");
    assert_eq!((job.held, job.captured, job.released), (Credits(1), Credits(1), Credits(0)));
    assert_eq!((job.chunks_done, job.chunks), (2, 2), "15 s are two chunks of 512 columns");
    let names: Vec<_> = job.stems.iter().map(|stem| stem.name.as_str()).collect();
    assert_eq!(names, ["vocals", "drums", "bass", "other"]);

    let mut stems = Vec::new();
    for name in names {
        let stem = stage.stem(&job, name).await.unwrap();
        assert_eq!(stem.len(), take.samples.len(), "{name} is as long as the clip");
        assert!(stem.iter().any(|sample| sample.abs() > 1e-4), "{name} is not silent");
        stems.push(stem);
    }
    let residual = signal::residual_db(&take.samples, &stems);
    assert!(residual < -90.0, "the stems sum to the mixture: {residual:.1} dB");

    let account = stage.client.account().await.unwrap();
    assert_eq!((account.posted, account.held), (Credits(599), Credits(0)));
    let lines = stage.client.history(HistoryPage::default()).await.unwrap();
    assert_eq!(lines.len(), 2);
    assert_eq!((lines[0].kind, lines[0].credits, lines[0].job), (LedgerKind::Capture, -1, Some(job.id)));
    assert_eq!((lines[1].kind, lines[1].credits), (LedgerKind::Grant, 600));
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_that_was_sent_before_is_not_sent_again() {
    let stage = Stage::new().await.unwrap();
    let take = stage.take(2, 50_000).unwrap();
    assert_eq!(stage.separate(&take).await.unwrap().state, JobState::Done);
    std::fs::remove_file(&take.file).unwrap();
    assert_eq!(stage.separate(&take).await.unwrap().state, JobState::Done, "nothing was read from the file");
    assert_eq!(stage.client.account().await.unwrap().posted, Credits(598));
    stage.audit().await.unwrap();
}
