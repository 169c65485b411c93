//! What each command of the window does.

use super::Actor;
use crate::audio::Order;
use crate::command::Command;
use crate::session::connection::Wish;
use crate::session::{choice, dialog};
use crate::settings::reasonable;
use crate::view::{Monitor, Purpose, WindowSize};

impl Actor {
    pub(super) fn obey(&mut self, command: Command) {
        self.is_news = true;
        match command {
            Command::Record(trigger) => self.record(trigger),
            Command::StopRecording => self.stop_recording(),
            Command::ChooseFile => self.choose(Purpose::Import),
            Command::Import(path) => self.import(path),
            Command::SelectTake(take) => self.select_take(take),
            Command::RenameTake(take, name) => self.rename_take(take, &name),
            Command::DeleteTake(take) => self.delete_take(take),
            Command::Trim(trim) => self.trim(trim),
            Command::WantSpectrograms => self.want_spectrograms(),
            Command::ChooseTask(task) => self.choose_task(task),
            Command::ChooseModel(model) => self.choose_model(model),
            Command::Set(control, value) => self.set(control, value),
            Command::ChooseReference => self.choose(Purpose::Reference),
            Command::AddReference(path) => self.add_reference(path),
            Command::DropReference(number) => self.drop_reference(number),
            Command::WantStem(stem, is_wanted) => {
                let shown = &self.view.choice;
                self.project.update(|state| choice::want(shown, &mut state.choice, &stem, is_wanted));
            }
            Command::Run => self.run_job(),
            Command::Cancel(key) => self.cancel_job(key),
            Command::Again(key) => self.run_again(key),
            Command::ShowJob(key) => self.show_job(key),
            Command::FetchAgain(key) => self.fetch_again(key),
            Command::ForgetJob(key) => self.forget_job(key),
            Command::SetGain(stem, gain_db) => {
                self.mix(&stem, |fader| fader.gain_db = gain_db.clamp(-60.0, 12.0))
            }
            Command::SetSolo(stem, is_solo) => self.mix(&stem, |fader| fader.is_solo = is_solo),
            Command::SetMute(stem, is_muted) => self.mix(&stem, |fader| fader.is_muted = is_muted),
            Command::PickNotes(notes) => self.pick_notes(notes),
            Command::HearPicked(alone) => self.hear_picked(alone),
            Command::SetMonitor(monitor) => self.listen_to(monitor),
            Command::SetOutputs(has_outputs) => self.set_outputs(has_outputs),
            Command::Play(is_on) => self.play(is_on),
            Command::Locate(frame) => self.locate(frame),
            Command::Loop(range) => self.set_loop(range),
            Command::Export => self.choose(Purpose::Export),
            Command::ExportTo(folder) => self.export(folder),
            Command::GivePath(path) => self.give_path(path),
            Command::Reveal(path) => self.reveal(path),
            Command::Connect { address, key } => {
                self.cancel_sign_in();
                self.wish(Wish::Connect { address, key });
            }
            Command::Accept { fingerprint } => self.wish(Wish::Accept { fingerprint }),
            Command::SignOut => {
                self.cancel_sign_in();
                self.wish(Wish::SignOut);
            }
            Command::SignIn { address } => self.sign_in(&address),
            Command::CancelSignIn => self.cancel_sign_in(),
            Command::Buy(pack) => self.buy(pack),
            Command::LeavePurchase => self.leave_purchase(),
            Command::Refresh => {
                self.wish(Wish::Refresh);
                self.list_library();
            }
            Command::Dismiss(number) => self.view.notices.retain(|notice| notice.number != number),
            Command::Resize(size) => self.resize(size),
        }
        // Whatever it was may have changed what would be asked for.
        self.fit_choice();
    }

    fn set_outputs(&mut self, has_outputs: bool) {
        self.view.player.has_outputs = has_outputs;
        self.project.update(|state| state.has_outputs = has_outputs);
        self.orders.give(Order::Outputs(has_outputs));
    }

    fn play(&mut self, is_on: bool) {
        // With the input monitored, free play would be silent.
        if is_on && self.view.player.monitor == Monitor::Input {
            self.listen_to(Monitor::Stems);
        }
        self.view.player.is_playing = is_on;
        self.orders.give(Order::Play(is_on));
    }

    fn listen_to(&mut self, monitor: Monitor) {
        self.view.player.monitor = monitor;
        self.project.update(|state| state.monitor = monitor.into());
        self.orders.give(Order::Monitor(monitor));
    }

    pub(super) fn wish(&mut self, wish: Wish) {
        if self.wishes.try_send(wish).is_err() {
            self.warn("The server is being asked already: try again in a moment.");
        }
    }

    fn resize(&mut self, size: WindowSize) {
        self.view.window = reasonable(size);
        self.shelf.is_window_unsaved = true;
    }

    fn reveal(&mut self, path: std::path::PathBuf) {
        match dialog::reveal(&path) {
            Ok(browser) => self.browsers.push(browser),
            Err(cause) => {
                self.warn(format!(
                    "The file browser cannot be opened ({cause}). The file is {}.",
                    path.display()
                ));
            }
        }
    }
}
