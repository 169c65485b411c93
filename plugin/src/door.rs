//! A door for tests: commands in and views out as lines of JSON over a Unix socket, so that a test can press the
//! window's buttons in a real host. Only in builds with the feature `door`, which no released bundle has, and only
//! where the environment names a folder for it.
//!
//! The instances of a process listen at `<folder>/0.sock`, `<folder>/1.sock` and so on, in the order of their making.
//! A line is a [`Command`] as serde writes it; every change of the view, and the view at the start, is answered by one
//! line (see [`outline`]).

use crate::command::Command;
use crate::library::report::Figures;
use crate::session::Session;
use crate::view::{Connection, PurchaseStage, Quote, Recorder, SignIn, Stage, View};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Names the folder.
const FOLDER: &str = "TRIBUTARY_PLUGIN_DOOR";
/// How often the door looks.
const TICK: Duration = Duration::from_millis(5);

static INSTANCES: AtomicUsize = AtomicUsize::new(0);

/// An open door; closed and joined when dropped.
pub struct Door {
    is_closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    path: PathBuf,
}

impl Door {
    /// Opens it where the environment asks for one.
    #[must_use]
    pub fn open(session: &Arc<Session>) -> Option<Self> {
        let folder = std::env::var_os(FOLDER)?;
        let number = INSTANCES.fetch_add(1, Ordering::Relaxed);
        let path = PathBuf::from(folder).join(format!("{number}.sock"));
        let listener = UnixListener::bind(&path).ok()?;
        listener.set_nonblocking(true).ok()?;
        let is_closing = Arc::new(AtomicBool::new(false));
        let (closing, session) = (Arc::clone(&is_closing), Arc::downgrade(session));
        let thread = thread::Builder::new()
            .name("tributary-door".into())
            .spawn(move || serve(&listener, &session, &closing))
            .ok()?;
        Some(Self { is_closing, thread: Some(thread), path })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.is_closing.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let _ = std::fs::remove_file(&self.path);
    }
}

/// One visitor at a time.
fn serve(listener: &UnixListener, session: &Weak<Session>, is_closing: &AtomicBool) {
    while !is_closing.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((visitor, _)) => visit(visitor, session, is_closing),
            Err(_) => thread::sleep(TICK),
        }
    }
}

fn visit(visitor: UnixStream, session: &Weak<Session>, is_closing: &AtomicBool) {
    let Ok(mut out) = visitor.try_clone() else { return };
    if visitor.set_nonblocking(false).is_err() || visitor.set_read_timeout(Some(TICK)).is_err() {
        return;
    }
    let mut lines = BufReader::new(visitor);
    let mut line = String::new();
    let mut told = String::new();
    while !is_closing.load(Ordering::Relaxed) {
        let Some(session) = session.upgrade() else { return };
        let now = outline(&session.view()).to_string();
        if now != told && writeln!(out, "{now}").is_err() {
            return;
        }
        told = now;
        match lines.read_line(&mut line) {
            Ok(0) => return,
            Ok(_) => {
                let answer = match serde_json::from_str::<Command>(&line) {
                    Ok(command) => session.send(command).err().map(|busy| busy.to_string()),
                    Err(error) => Some(error.to_string()),
                };
                line.clear();
                if let Some(error) = answer
                    && writeln!(out, "{}", json!({ "error": error })).is_err()
                {
                    return;
                }
            }
            // A line that is not whole yet stays for the next look.
            Err(_) => {}
        }
    }
}

/// What a test wants to know of a view.
fn outline(view: &View) -> Value {
    let account = view.account.as_ref().map(|account| {
        json!({
            "name": account.name,
            "available": account.available,
            "held": account.held,
            "buy_url": account.buy_url,
            "packs": account.packs.packs.iter().map(|pack| &pack.name).collect::<Vec<_>>(),
            "is_suspended": account.is_suspended,
        })
    });
    let result = view.result.as_ref().map(|result| {
        let stems: Vec<_> = result
            .stems
            .iter()
            .map(|stem| json!({ "name": stem.name, "file": stem.file, "gain_db": stem.gain_db }))
            .collect();
        let sheets: Vec<_> =
            result.sheets.iter().map(|sheet| json!({ "name": sheet.name, "file": sheet.file })).collect();
        let report = result.report.as_ref().map(|report| {
            let figures = |of: &Figures| json!({ "lufs": of.integrated_lufs, "dbtp": of.true_peak_dbtp });
            json!({ "before": figures(&report.before), "after": figures(&report.after), "curve": report.curve.len() })
        });
        json!({
            "job": result.job,
            "stems": stems,
            "sheets": sheets,
            "report": report,
            "notes": result.music.as_ref().map(|music| music.notes.len()),
            "picked": result.picked.as_ref().map(|picked| {
                json!({ "notes": *picked.notes, "file": picked.file, "are_heard_alone": picked.are_heard_alone })
            }),
            "said": result.transcript.as_ref().map(|said| said.lines.len()),
            "difference_db": result.difference_db,
            "folder": result.folder,
        })
    });
    let jobs: Vec<_> = view
        .jobs
        .iter()
        .map(|job| json!({ "key": job.key, "take": job.take, "model": job.model, "version": job.version, "stage": stage(&job.stage) }))
        .collect();
    let takes: Vec<_> = view.takes.iter().map(|take| json!(take)).collect();
    let notices: Vec<_> = view.notices.iter().map(|notice| notice.text.clone()).collect();
    json!({
        "connection": connection(&view.connection),
        "account": account,
        "sign_in": sign_in(&view.sign_in),
        "purchase": view.purchase.as_ref().map(|purchase| bought(&purchase.stage)),
        "models": view.offer.iter().map(|model| model.name.clone()).collect::<Vec<_>>(),
        "choice": {
            "task": view.choice.task,
            "model": view.choice.model,
            "references": view.choice.references.iter().map(|reference| &reference.name).collect::<Vec<_>>(),
            "quote": quote(&view.choice.quote),
        },
        "recorder": recorder(&view.recorder),
        "takes": takes,
        "take": view.take.as_ref().map(|take| json!(&*take.info)),
        "jobs": jobs,
        "result": result,
        "playing": view.player.is_playing,
        "match_db": view.player.match_db,
        "notices": notices,
    })
}

fn connection(connection: &Connection) -> Value {
    match connection {
        Connection::NoServer => json!({ "state": "no_server" }),
        Connection::Connecting { address } => json!({ "state": "connecting", "address": address }),
        Connection::Connected { address, is_local } => {
            json!({ "state": "connected", "address": address, "is_local": is_local })
        }
        Connection::SignedOut { address, reason } => {
            json!({ "state": "signed_out", "address": address, "reason": reason })
        }
        Connection::Unknown { address, fingerprint, accepted_before } => {
            json!({ "state": "unknown", "address": address, "fingerprint": fingerprint, "accepted_before": accepted_before })
        }
        Connection::Lost { address, reason } => {
            json!({ "state": "lost", "address": address, "reason": reason })
        }
    }
}

fn sign_in(sign_in: &SignIn) -> Value {
    match sign_in {
        SignIn::Nothing => json!({ "state": "nothing" }),
        SignIn::Asked => json!({ "state": "asked" }),
        SignIn::Waiting { code, page, .. } => json!({ "state": "waiting", "code": code, "page": page }),
        SignIn::Denied => json!({ "state": "denied" }),
        SignIn::TooLate => json!({ "state": "too_late" }),
        SignIn::Failed(reason) => json!({ "state": "failed", "reason": reason }),
    }
}

fn bought(stage: &PurchaseStage) -> Value {
    match stage {
        PurchaseStage::Asked => json!({ "state": "asked" }),
        PurchaseStage::Open { url } => json!({ "state": "open", "url": url }),
        PurchaseStage::Processing => json!({ "state": "processing" }),
        PurchaseStage::Paid => json!({ "state": "paid" }),
        PurchaseStage::Expired => json!({ "state": "expired" }),
        PurchaseStage::Failed(reason) => json!({ "state": "failed", "reason": reason }),
    }
}

fn quote(quote: &Quote) -> Value {
    match quote {
        Quote::Nothing => json!({ "state": "nothing" }),
        Quote::Asked => json!({ "state": "asked" }),
        Quote::Price { credits, missing, .. } => {
            json!({ "state": "price", "credits": credits, "missing": missing })
        }
        Quote::Refused(reason) => json!({ "state": "refused", "reason": reason }),
    }
}

fn recorder(recorder: &Recorder) -> Value {
    match recorder {
        Recorder::Idle => json!("idle"),
        Recorder::Armed => json!("armed"),
        Recorder::Recording { .. } => json!("recording"),
        Recorder::Importing { .. } => json!("importing"),
    }
}

fn stage(stage: &Stage) -> Value {
    match stage {
        Stage::Preparing => json!({ "state": "preparing" }),
        Stage::Uploading { share } => json!({ "state": "uploading", "share": share }),
        Stage::Queued { in_front } => json!({ "state": "queued", "in_front": in_front }),
        Stage::Running { chunks_done, chunks, .. } => {
            json!({ "state": "running", "chunks_done": chunks_done, "chunks": chunks })
        }
        Stage::Fetching { share } => json!({ "state": "fetching", "share": share }),
        Stage::Waiting { reason } => json!({ "state": "waiting", "reason": reason }),
        Stage::Ready { cost } => json!({ "state": "ready", "cost": cost }),
        Stage::Missing { cost } => json!({ "state": "missing", "cost": cost }),
        Stage::Cancelled { released, cost } => {
            json!({ "state": "cancelled", "released": released, "cost": cost })
        }
        Stage::Failed { reason, released } => {
            json!({ "state": "failed", "reason": reason, "released": released })
        }
    }
}
