//! Jobs: the list, and one with its progress, results and what it cost.

use super::fault::{Answer, Fault};
use super::layout::{page, small_form};
use super::said::Said;
use super::visit::Visit;
use super::{Edge, done, widgets, words};
use crate::clock::Timestamp;
use crate::job::{Job, JobState, StemArtifact};
use crate::people::Right;
use axum::extract::{Path, State};
use maud::{Markup, html};
use std::time::Duration;
use tributary_protocol::vocab::{Credits, JobId};

/// Jobs on a page.
const JOBS: u32 = 50;

pub(super) async fn list(State(edge): State<Edge>, visit: Visit) -> Answer {
    let before = visit.query.get("before").parse().ok();
    let jobs = edge.store.jobs(&visit.tenant()?, before, JOBS).await?;
    let names = widgets::names(&edge, &visit.tenant()?, jobs.iter().map(|job| job.widget)).await?;
    let body = html! {
        h1 { "Jobs" }
        @if visit.may(Right::Run) { p { a .button href="/jobs/new" { "New job" } } }
        section .card {
            @if jobs.is_empty() { p .dim { "No jobs here yet. Start one with a file, from the plugin or from the command line." } }
            @else { div .scroll { (table(&jobs, &names)) } }
        }
        @if let (true, Some(last)) = (jobs.len() == JOBS as usize, jobs.last()) {
            p { a href={ "/jobs?before=" (last.id) } { "Older jobs" } }
        }
    };
    Ok(page(&edge, &visit, "Jobs", &body))
}

/// Jobs as rows that lead to them.
pub(super) fn table(jobs: &[Job], names: &widgets::Names) -> Markup {
    html! {
        table .stack {
            thead { tr { th { "Job" } th { "Model" } th { "State" } th .number { "Length" } th .number { "Credits" } th { "Begun" } } }
            tbody {
                @for job in jobs {
                    tr {
                        td { a href={ "/jobs/" (job.id) } { (title(job)) } (widgets::by(names, job.widget)) }
                        td data-title="Model" { (job.model) }
                        td data-title="State" { (badge(job.state)) }
                        td .number data-title="Length" { (words::length(sound(job))) }
                        td .number data-title="Credits" { (words::grouped(cost(job).0)) }
                        td data-title="Begun" { (words::moment(job.created_at)) }
                    }
                }
            }
        }
    }
}

pub(super) fn title(job: &Job) -> &str {
    if job.title.is_empty() { "untitled" } else { &job.title }
}

fn sound(job: &Job) -> Duration {
    Duration::from_secs_f64(job.clip.seconds().max(0.0))
}

/// What it took, or holds.
fn cost(job: &Job) -> Credits {
    if job.state.is_terminal() { job.captured } else { job.held }
}

pub(super) fn badge(state: JobState) -> Markup {
    html! { span class={ "badge " (state.word()) } { (state.word()) } }
}

pub(super) async fn find(edge: &Edge, visit: &Visit, id: &str) -> Result<Job, Fault> {
    Ok(edge.desk.job(&visit.tenant()?, id_of(id)?).await?)
}

fn id_of(text: &str) -> Result<JobId, Fault> {
    text.parse().map_err(|_| Fault::Missing)
}

pub(super) async fn show(State(edge): State<Edge>, visit: Visit, Path(id): Path<String>) -> Answer {
    let job = find(&edge, &visit, &id).await?;
    let position = edge.store.queue_position(&visit.tenant()?, job.id).await?;
    let names = widgets::names(&edge, &visit.tenant()?, [job.widget]).await?;
    let base = format!("/jobs/{}", job.id);
    let body = html! {
        p { a href="/jobs" { "All jobs" } }
        h1 { (title(&job)) " " (badge(job.state)) }
        @if !job.state.is_terminal() { (running(&base, &job, position, &html! {
            p .dim { "You can close this page; the job goes on. Held for it: " (words::credits(job.held)) "." }
            @if visit.may(Right::Run) { (cancelling(&visit, &base, &job)) }
        })) }
        @if let Some(failure) = &job.failure {
            section .card { h2 { "It failed" } p { (failure) } p { "Nothing was charged: " (words::credits(job.held)) " came back." } }
        }
        @if job.state == JobState::Expired { section .card { p { "The file never came. Nothing was charged." } } }
        @if job.state == JobState::Cancelled { section .card { p { "Cancelled: " (words::credits(job.captured)) " used, " (words::credits(job.released())) " came back." } } }
        @if job.state == JobState::Done { (results(&base, &job)) }
        (facts(&job, &names))
        @if let Some(until) = job.kept_until(edge.desk.admissions.limits.keep()) { (kept(&visit, &job, until)) }
    };
    Ok(page(&edge, &visit, title(&job), &body))
}

/// How far a job is, as it is watched at `base`, and what else there is to say and do meanwhile.
pub(super) fn running(base: &str, job: &Job, position: u32, meanwhile: &Markup) -> Markup {
    html! {
        section .card #live data-live={ (base) "/live" } {
            p #words role="status" { (progress_words(job.state, position, job.chunks_done, job.chunks)) }
            progress #progress max=(job.chunks.max(1)) value=(job.chunks_done) {}
            (meanwhile)
            noscript { p { a href="" { "Load again" } " to see how far it is." } }
            script src="/live.js" defer {}
        }
    }
}

/// The button that stops a job, or that it was pressed.
pub(super) fn cancelling(visit: &Visit, base: &str, job: &Job) -> Markup {
    html! {
        @if job.cancel_asked { p { "It stops at the end of its chunk." } }
        @else { (small_form(visit, &format!("{base}/cancel"), &[], "Cancel")) }
    }
}

/// How far a job is, in words.
pub(super) fn progress_words(state: JobState, position: u32, done: u32, of: u32) -> String {
    match state {
        JobState::Uploading => "The file is on its way.".to_owned(),
        JobState::Queued if position == 0 => "It is the next to run.".to_owned(),
        JobState::Queued if position == 1 => "One job runs before it.".to_owned(),
        JobState::Queued => format!("{position} jobs run before it."),
        JobState::Running => format!("{done} of {of} chunks are done."),
        ended => format!("It is {}.", ended.word()),
    }
}

/// What a job made, with its files behind `base`.
pub(super) fn results(base: &str, job: &Job) -> Markup {
    let (sheets, stems): (Vec<&StemArtifact>, Vec<_>) =
        job.artifacts.iter().partition(|artifact| artifact.is_sheet());
    html! {
        @if job.erased { section .card { p { "Its files are deleted." } } }
        @if !stems.is_empty() {
            section .card #player data-player="" {
                h2 { "Stems" }
                div .transport hidden { button type="button" data-play="" { "Play all" } input type="range" data-seek="" aria-label="Position in the song" min="0" max="1000" step="1" value="0"; span data-clock="" .dim { "0:00" } }
                @for stem in &stems { (stem_row(base, &stem.name)) }
            }
            script src="/player.js" defer {}
        }
        @if !sheets.is_empty() {
            section .card {
                h2 { "Files" }
                ul .rows { @for sheet in &sheets {
                    li { span { (sheet.name) " " small .dim { (words::bytes(sheet.bytes)) } }
                        a .button .quiet href={ (base) "/files/" (sheet.name) } download aria-label={ "Download " (sheet.name) } { "Download" } }
                } }
            }
        }
    }
}

fn stem_row(base: &str, stem: &str) -> Markup {
    let file = format!("{base}/files/{stem}.wav");
    html! {
        div .stem data-stem="" {
            div .stem-head {
                strong { (stem) }
                div .row { button .quiet type="button" data-solo="" hidden aria-label={ "Solo " (stem) } { "Solo" }
                    button .quiet type="button" data-mute="" hidden aria-label={ "Mute " (stem) } { "Mute" }
                    a .button .quiet href={ (file) "?save=1" } download aria-label={ "WAV file of " (stem) } { "WAV" } }
            }
            div .wave data-wave="" {
                img src={ (base) "/peaks/" (stem) } alt={ "Waveform of " (stem) } loading="lazy" width="1200" height="100";
            }
            audio controls preload="none" src=(file) aria-label=(stem) {}
        }
    }
}

fn facts(job: &Job, names: &widgets::Names) -> Markup {
    html! {
        section .card {
            h2 { "Details" }
            dl {
                dt { "Model" } dd { (job.model) }
                dt { "Clip" } dd { (words::length(sound(job))) ", " (job.clip.rate_hz) " Hz, " (job.clip.channels) " channels" }
                dt { "Credits" } dd { (if job.state.is_terminal() { "taken " } else { "held " }) (words::grouped(cost(job).0)) }
                @if let Some(name) = job.widget.and_then(|id| names.get(&id)) { dt { "Came by" } dd { "widget " (name) } }
                dt { "Begun" } dd { (words::moment(job.created_at)) }
                @if let Some(ended) = job.ended_at { dt { "Ended" } dd { (words::moment(ended)) } }
                @if !job.device.is_zero() { dt { "Device" } dd { (format!("{:.1} s", job.device.as_secs_f64())) } }
                @for (name, setting) in &job.settings { dt { (name) } dd { (setting) } }
                dt { "Id" } dd { code { (job.id) } }
            }
        }
    }
}

/// How long its files are here.
fn kept(visit: &Visit, job: &Job, until: Timestamp) -> Markup {
    html! {
        section .card {
            h2 { "Its files" }
            p { "The clip and what was made of it are deleted on " (words::day(until)) ". What the job cost stays in the statement." }
            @if visit.may(Right::Run) { (small_form(visit, &format!("/jobs/{}/erase", job.id), &[], "Delete them now")) }
        }
    }
}

pub(super) async fn erase(State(edge): State<Edge>, visit: Visit, Path(id): Path<String>) -> Answer {
    let job = edge.desk.erase(&visit.tenant()?, id_of(&id)?).await?;
    Ok(done(&edge, Said::Erased, &format!("/jobs/{}", job.id)))
}

pub(super) async fn cancel(State(edge): State<Edge>, visit: Visit, Path(id): Path<String>) -> Answer {
    let job = edge.desk.cancel(&visit.tenant()?, id_of(&id)?).await?;
    Ok(done(&edge, Said::Cancelled, &format!("/jobs/{}", job.id)))
}
