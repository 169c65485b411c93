//! A new job: a file, then what shall be done with it and what that costs, then it starts.

use super::draft::Draft;
use super::fault::{Answer, Fault, sentence};
use super::form::Fields;
use super::layout::{page, proof, wrong};
use super::visit::Visit;
use super::{Edge, csrf, redirect, words};
use crate::admission::{JobRequest, Refusal};
use crate::desk::{DeskError, Staged};
use crate::offer::Offer;
use crate::tenant::Tenant;
use axum::extract::multipart::Field;
use axum::extract::{Multipart, Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use maud::{Markup, html};
use std::time::Duration;
use tributary_protocol::limits::title_of;
use tributary_protocol::settings::{Control, ControlKind, Setting, Settings};
use tributary_protocol::vocab::{Credits, JobId};

/// Between two pieces of a file.
const PIECE_PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of the fields before the file.
const FIELD_BYTES_MAX: usize = 1_024;
/// What people want done, in the order they are offered.
const TASKS: [(&str, &str); 4] = [
    ("separate", "Separate into stems"),
    ("enhance", "Clean up speech"),
    ("transcribe", "Write down notes or words"),
    ("master", "Master"),
];

/// What people call a task; models that are not installed any more have none.
pub(super) fn task_title(task: Option<&str>) -> &'static str {
    let known = TASKS.iter().find(|(word, _)| Some(*word) == task);
    known.map_or("Models that are gone", |(_, title)| title)
}

/// The first that is offered, in that order.
pub(super) fn first(edge: &Edge) -> Option<&Offer> {
    let of_task = |(task, _): &(&str, &str)| {
        let task = *task;
        edge.desk.admissions.offers.all().find(move |offer| offer.task_word() == task)
    };
    TASKS.iter().find_map(of_task)
}

pub(super) fn choices(edge: &Edge, chosen: &str) -> Markup {
    let offers: Vec<&Offer> = edge.desk.admissions.offers.all().collect();
    html! {
        label { span { "What shall be done?" }
            select name="model" {
                @for (task, title) in TASKS {
                    optgroup label=(title) {
                        @for offer in offers.iter().filter(|offer| offer.task_word() == task) {
                            option value=(offer.card.name) selected[offer.card.name == chosen] {
                                (offer.card.title) " · " (offer.credits_per_minute) " a minute"
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Where a file is chosen: `limits` comes before how large it may be.
pub(super) fn file_field(edge: &Edge, limits: &Markup) -> Markup {
    html! {
        label { span { (limits) (words::grouped(edge.config.upload_mb_max)) " MB" }
            input type="file" name="file" accept="audio/*,.wav,.flac,.mp3,.m4a,.ogg,.aiff,.aif" required; }
    }
}

/// As jobs name stems: none for all of them.
pub(super) fn stem_names(offer: &Offer, chosen: Vec<String>) -> Vec<String> {
    if chosen.len() == offer.card.stems.len() { Vec::new() } else { chosen }
}

pub(super) async fn choose(State(edge): State<Edge>, visit: Visit) -> Answer {
    let body = html! {
        section .narrow .card {
            h1 { "New job" }
            p .dim { "Choose a file. You see the price before anything starts." }
            form method="post" action="/jobs/new" enctype="multipart/form-data" {
                (proof(&visit))
                (choices(&edge, visit.query.get("model")))
                (file_field(&edge, &html! { "WAV, FLAC, MP3, M4A, Ogg or AIFF, at most " }))
                button { "Send the file" }
            }
        }
    };
    Ok(page(&edge, &visit, "New job", &body))
}

/// The word that proves the form comes first, then the model, then the file.
pub(super) async fn take(State(edge): State<Edge>, visit: Visit, mut parts: Multipart) -> Answer {
    let tenant = visit.tenant()?;
    let mut model = String::new();
    let mut proven = false;
    while let Some(field) = parts.next_field().await.map_err(cut)? {
        match field.name().unwrap_or_default() {
            csrf::FIELD => proven = csrf::is_ours(&visit.csrf, &short(field).await?),
            "model" if proven => model = short(field).await?,
            "file" if proven => {
                let title = title_of(field.file_name().unwrap_or_default());
                let draft = Draft { clip: received(&edge, &tenant, field).await?.clip, title };
                let said = form_urlencoded::Serializer::new(String::new())
                    .append_pair("model", &model)
                    .append_pair("title", &draft.title)
                    .finish();
                return Ok(redirect(&format!("/jobs/new/{draft}?{said}")));
            }
            _ if proven => {}
            _ => return Err(Fault::Form),
        }
        if !proven {
            return Err(Fault::Form);
        }
    }
    Err(if proven { Fault::Wrong("choose a file".into()) } else { Fault::Form })
}

pub(super) fn cut(_: axum::extract::multipart::MultipartError) -> Fault {
    Fault::Wrong("the file did not come whole; send it again".into())
}

pub(super) async fn short(mut field: Field<'_>) -> Result<String, Fault> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(cut)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > FIELD_BYTES_MAX {
            return Err(Fault::Large(format!("a field has at most {FIELD_BYTES_MAX} bytes")));
        }
    }
    String::from_utf8(bytes).map_err(|_| Fault::Wrong("a field is not text".into()))
}

/// The file, piece by piece, as a clip.
pub(super) async fn received(edge: &Edge, tenant: &Tenant, mut field: Field<'_>) -> Result<Staged, Fault> {
    let mut file = edge.desk.receive(0, edge.config.upload_mb_max << 20).await?;
    let stopped = |_| Fault::Wrong("the file stopped coming; send it again".into());
    while let Some(piece) =
        tokio::time::timeout(PIECE_PATIENCE, field.chunk()).await.map_err(stopped)?.map_err(cut)?
    {
        file.write(&piece).await?;
    }
    Ok(file.decode(tenant).await?)
}

pub(super) async fn shape(State(edge): State<Edge>, visit: Visit, Path(name): Path<String>) -> Answer {
    shape_page(&edge, &visit, &name, &visit.query, None).await
}

/// The draft with a model's controls, filled in as `typed`, and the price; or why it did not start.
async fn shape_page(edge: &Edge, visit: &Visit, name: &str, typed: &Fields, refused: Option<&str>) -> Answer {
    let draft = Draft::find(edge, &visit.tenant()?, name, typed).await?;
    let (offer, wish) = wished(edge, typed)?;
    let quote = edge.desk.admissions.quote(&wish.model, draft.shape(), &wish.settings);
    let available = edge.store.account(&visit.tenant()?).await?.balance.available();
    let body = html! {
        (wrong(refused))
        section .card .narrow {
            h1 { (draft.title) }
            (describe(&draft))
            form method="get" { input type="hidden" name="title" value=(draft.title); (choices(edge, &offer.card.name)) button .quiet { "Change" } }
        }
        section .card .narrow {
            h2 { (offer.card.title) }
            p .dim { (offer.card.description) }
            form method="post" {
                (proof(visit)) input type="hidden" name="model" value=(offer.card.name);
                input type="hidden" name="title" value=(draft.title);
                // Sent twice, it makes one job.
                input type="hidden" name="job" value=(JobId::generate());
                @if offer.card.stems.len() > 1 { (stems(offer, &wish.stems)) }
                (controls(offer, &wish.settings, |_| true))
                @match &quote {
                    Ok(quote) => {
                        p .price { "Costs " strong { (words::credits(quote.credits)) } " at most; " (words::grouped(available.0)) " are available." }
                        p .dim { (quote.price.reason()) }
                        input type="hidden" name="seen" value=(quote.credits.0);
                    }
                    Err(refusal) => p .wrong role="alert" { (refusal) }
                }
                div .row { button name="do" value="start" { "Start" } button .quiet name="do" value="price" { "Ask for the price again" } }
                p .dim { "A job that fails costs nothing. The file and what is made of it are deleted " (edge.desk.admissions.limits.keep_days) " days after, or when you say so." }
            }
        }
    };
    Ok(page(edge, visit, "New job", &body))
}

fn describe(draft: &Draft) -> Markup {
    let length = words::length(Duration::from_secs_f64(draft.clip.seconds().max(0.0)));
    html! { p .dim { (length) ", " (draft.clip.rate_hz) " Hz, " (draft.clip.channels) " channel" @if draft.clip.channels != 1 { "s" } } }
}

/// Which of a model's stems are wanted.
pub(super) fn stems(offer: &Offer, wanted: &[String]) -> Markup {
    html! {
        fieldset { legend { "Stems" }
            @for stem in &offer.card.stems {
                label .check { input type="checkbox" name="stem" value=(stem) checked[wanted.is_empty() || wanted.contains(stem)]; (stem) }
            }
        }
    }
}

/// A model's controls, as far as they are shown, with these values.
pub(super) fn controls(offer: &Offer, settings: &Settings, shown: impl Fn(&Control) -> bool) -> Markup {
    let (more, usual): (Vec<_>, Vec<_>) =
        offer.controls.iter().filter(|each| shown(each)).partition(|each| each.advanced);
    html! {
        @for each in usual { (control(each, settings)) }
        @if !more.is_empty() { details { summary { "More" } @for each in more { (control(each, settings)) } } }
    }
}

fn control(control: &Control, settings: &Settings) -> Markup {
    let name = format!("set-{}", control.name);
    let set = settings.get(&control.name).cloned().unwrap_or_else(|| control.kind.default());
    html! {
        @match &control.kind {
            ControlKind::Number { min, max, step, unit, .. } => {
                label { span { (control.title) @if !unit.is_empty() { " (" (unit) ")" } }
                    input type="number" name=(name) min=(min) max=(max) step=(step) value=(set); small .dim { (control.help) } }
            }
            ControlKind::Switch { .. } => {
                label .check { input type="checkbox" name=(name) value="on" checked[set == Setting::Switch(true)]; (control.title) }
                small .dim { (control.help) }
            }
            ControlKind::Choice { options, .. } => {
                label { span { (control.title) }
                    select name=(name) { @for (word, title) in options { option value=(word) selected[set == Setting::Choice(word.clone())] { (title) } } }
                    small .dim { (control.help) } }
            }
        }
    }
}

/// What shall be done with a clip.
struct Wish {
    model: String,
    stems: Vec<String>,
    settings: Settings,
}

/// Model, stems and settings as a form says them.
fn wished<'a>(edge: &'a Edge, typed: &Fields) -> Result<(&'a Offer, Wish), Fault> {
    let offers = &edge.desk.admissions.offers;
    let named = offers.get(typed.get("model")).ok();
    let offer =
        named.or_else(|| offers.all().next()).ok_or_else(|| Fault::Later("no model is installed".into()))?;
    let settings = settings_of(offer, typed);
    let stems = stem_names(offer, typed.all("stem").map(ToOwned::to_owned).collect());
    Ok((offer, Wish { model: offer.card.name.clone(), stems, settings }))
}

/// Settings as a form says them. What it does not say has the model's default, but for a switch of a form that was sent, which
/// is off then.
pub(super) fn settings_of(offer: &Offer, typed: &Fields) -> Settings {
    let sent = !typed.get("do").is_empty();
    let mut settings = Settings::new();
    for control in &offer.controls {
        let text = typed.get(&format!("set-{}", control.name)).trim();
        let setting = match &control.kind {
            ControlKind::Number { .. } => text.parse().ok().and_then(Setting::number),
            ControlKind::Switch { .. } => sent.then_some(Setting::Switch(text == "on")),
            ControlKind::Choice { .. } => (!text.is_empty()).then(|| Setting::Choice(text.to_owned())),
        };
        settings.extend(setting.map(|setting| (control.name.clone(), setting)));
    }
    settings
}

pub(super) async fn start(State(edge): State<Edge>, visit: Visit, Path(name): Path<String>) -> Answer {
    let typed = &visit.form;
    if typed.get("do") != "start" {
        return shape_page(&edge, &visit, &name, typed, None).await;
    }
    let who = visit.principal()?;
    let draft = Draft::find(&edge, &who.tenant, &name, typed).await?;
    let (_, wish) = wished(&edge, typed)?;
    let request = JobRequest {
        id: typed.get("job").parse().unwrap_or_else(|_| JobId::generate()),
        model: wish.model,
        stems: wish.stems,
        clip: draft.clip,
        title: draft.title,
        settings: wish.settings,
        references: Vec::new(),
        credits_max: typed.number("seen").map(Credits),
    };
    let refused = match edge.desk.create(&who, request).await {
        Ok(job) => return Ok(redirect(&format!("/jobs/{}", job.id))),
        Err(DeskError::Refused(Refusal::Conflict)) => {
            "this page has started a job already; press Start once more for another one".to_owned()
        }
        Err(error) => match Fault::from(error) {
            Fault::Wrong(words) => words,
            other => return Err(other),
        },
    };
    // The clip stays: whoever has credits or another model then, starts it.
    let words = sentence(&refused);
    let shown = shape_page(&edge, &visit, &name, typed, Some(&words)).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, shown).into_response())
}
