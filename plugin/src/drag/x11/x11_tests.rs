//! Drags between windows of two clients on an X server of the test's own (Xvfb; `cargo xtask setup` installs it). The
//! other side is written here, from the specification, and shares nothing with what is tested but names.

use super::*;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use x11rb::NONE;
use x11rb::protocol::xproto::*;
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::wrapper::ConnectionExt as _;

const DEADLINE: Duration = Duration::from_secs(60);
/// The place of the window that drags come from; `THERE` is a window that takes them, or nothing.
const HOME: (i16, i16) = (60, 60);
const THERE: (i16, i16) = (460, 60);

/// An X server with a window of ours and somebody else's eyes.
struct Scene {
    server: Child,
    display: String,
    conn: RustConnection,
    root: Window,
    atoms: Atoms,
    home: Window,
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Scene {
    /// Nothing, with a word about it, where there is no Xvfb.
    fn open() -> Option<Self> {
        let mut server = Command::new("Xvfb");
        server.args(["-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp"]);
        let Ok(mut server) = server.stdout(Stdio::piped()).stderr(Stdio::null()).spawn() else {
            eprintln!(
                "left out: drag and drop on an X server (Xvfb is missing; `cargo xtask setup` installs it)"
            );
            return None;
        };
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        let display = format!(":{}", number.trim());
        let (conn, screen) = x11rb::connect(Some(&display)).unwrap();
        let (root, atoms) = (conn.setup().roots[screen].root, Atoms::new(&conn).unwrap().reply().unwrap());
        let mut scene = Self { server, display, conn, root, atoms, home: NONE };
        scene.home = scene.window(HOME);
        Some(scene)
    }

    fn drag(&self) -> Drag {
        Drag::start_on(Some(&self.display), self.home, Arc::new(|| ())).unwrap()
    }

    /// A window around this place that knows nothing of drags.
    fn window(&self, at: (i16, i16)) -> Window {
        let id = self.conn.generate_id().unwrap();
        let wanted = CreateWindowAux::new().override_redirect(1).event_mask(EventMask::PROPERTY_CHANGE);
        let (x, y) = (at.0 - 50, at.1 - 50);
        self.conn
            .create_window(0, id, self.root, x, y, 100, 100, 0, WindowClass::INPUT_OUTPUT, 0, &wanted)
            .unwrap();
        self.conn.map_window(id).unwrap();
        self.conn.sync().unwrap();
        id
    }

    fn set(&self, window: Window, property: u32, kind: AtomEnum, value: u32) {
        self.conn.change_property32(PropMode::REPLACE, window, property, kind, &[value]).unwrap();
        self.conn.sync().unwrap();
    }

    fn number(&self, window: Window, property: u32) -> Option<u32> {
        let answer = self.conn.get_property(false, window, property, AtomEnum::ANY, 0, 1).unwrap();
        answer.reply().unwrap().value32()?.next()
    }

    /// A window that takes drops by this version.
    fn taker(&self, version: u32) -> Window {
        let window = self.window(THERE);
        self.set(window, self.atoms.XdndAware, AtomEnum::ATOM, version);
        window
    }

    fn input(&self, kind: u8, detail: u8, at: (i16, i16)) {
        self.conn.xtest_fake_input(kind, detail, 0, self.root, at.0, at.1, 0).unwrap();
        self.conn.sync().unwrap();
    }

    fn point(&self, at: (i16, i16)) {
        self.input(MOTION_NOTIFY_EVENT, 0, at);
    }

    fn press(&self) {
        self.point(HOME);
        self.input(BUTTON_PRESS_EVENT, 1, (0, 0));
    }

    fn release(&self) {
        self.input(BUTTON_RELEASE_EVENT, 1, (0, 0));
    }

    fn send(&self, to: Window, window: Window, kind: u32, data: [u32; 5]) {
        let message = ClientMessageEvent::new(32, window, kind, data);
        self.conn.send_event(false, to, EventMask::NO_EVENT, message).unwrap();
        self.conn.sync().unwrap();
    }

    fn next(&self) -> Event {
        until("an event", || self.conn.poll_for_event().unwrap())
    }

    /// The next message, which is of this kind and about this window.
    fn told(&self, kind: u32, window: Window) -> [u32; 5] {
        loop {
            if let Event::ClientMessage(event) = self.next() {
                assert_eq!((event.type_, event.window), (kind, window), "another message came");
                return event.data.as_data32();
            }
        }
    }

    /// Answers one place; the place.
    fn answer(&self, window: Window, source: Window, accepts: bool) -> (u32, u32) {
        let data = self.told(self.atoms.XdndPosition, window);
        let flags = u32::from(accepts) | 2;
        let action = if accepts { self.atoms.XdndActionCopy } else { NONE };
        self.send(source, source, self.atoms.XdndStatus, [window, flags, 0, 0, action]);
        (data[2] >> 16, data[2] & 0xFFFF)
    }

    /// Asks for the list as a target does; nothing where it is refused.
    fn fetch(&self, to: Window, kind: Atom, time: u32) -> Option<Vec<u8>> {
        let (place, selection) = (self.atoms.Wake, self.atoms.XdndSelection);
        self.conn.convert_selection(to, selection, kind, place, time).unwrap();
        self.conn.flush().unwrap();
        loop {
            if let Event::SelectionNotify(event) = self.next() {
                if event.property == NONE {
                    return None;
                }
                let list = self.conn.get_property(true, to, place, AtomEnum::ANY, 0, 65_536).unwrap();
                return Some(list.reply().unwrap().value);
            }
        }
    }

    fn owner(&self) -> Window {
        self.conn.get_selection_owner(self.atoms.XdndSelection).unwrap().reply().unwrap().owner
    }

    fn is_given_back(&self) {
        until("the end of the drag", || (self.owner() == NONE).then_some(()));
    }
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited for {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

fn files() -> Vec<PathBuf> {
    ["/m/Verse 2 - vocals - 124bpm - bar 3.wav", "/m/Verse 2 - gesang ü.wav"].map(PathBuf::from).to_vec()
}

const LIST: &str = "file:///m/Verse%202%20-%20vocals%20-%20124bpm%20-%20bar%203.wav\r\nfile:///m/Verse%202%20-%20gesang%20%C3%BC.wav\r\n";

/// Drags onto a window that takes files by `version`, itself or by a proxy.
fn check_drop(version: u32, has_proxy: bool) {
    let Some(scene) = Scene::open() else { return };
    let (window, atoms) = (scene.taker(version), scene.atoms);
    if has_proxy {
        let proxy = scene.window((700, 500));
        for of in [proxy, window] {
            scene.set(of, atoms.XdndProxy, AtomEnum::WINDOW, proxy);
        }
        scene.set(proxy, atoms.XdndAware, AtomEnum::ATOM, version);
    }
    let mut drag = scene.drag();
    assert!(drag.is_available());
    for _ in 0..2 {
        scene.press();
        drag.begin(&files()).unwrap();
        scene.point(THERE);
        let enter = scene.told(atoms.XdndEnter, window);
        let source = enter[0];
        assert_eq!((enter[1] >> 24, enter[1] & 1, enter[2]), (version.min(5), 0, atoms.UriList));
        assert_eq!(scene.answer(window, source, true), (460, 60));
        scene.point((480, 70));
        assert_eq!(scene.answer(window, source, true), (480, 70));
        scene.release();
        let drop = scene.told(atoms.XdndDrop, window);
        assert_eq!(drop[0], source);
        let list = scene.fetch(window, atoms.UriList, drop[2]).unwrap();
        assert_eq!(String::from_utf8(list).unwrap(), LIST);
        let offered = scene.fetch(window, atoms.TARGETS, drop[2]).unwrap();
        assert!(offered.chunks(4).any(|atom| atom == atoms.UriList.to_ne_bytes()));
        assert_eq!(scene.fetch(window, AtomEnum::STRING.into(), drop[2]), None, "nothing else is offered");
        scene.send(source, source, atoms.XdndFinished, [window, 1, atoms.XdndActionCopy, 0, 0]);
        scene.is_given_back();
    }
    drop(drag);
    // Another connection took the property away: the server may serve this one's question first.
    until("the window to speak for itself", || {
        scene.number(scene.home, atoms.XdndProxy).is_none().then_some(())
    });
}

#[test]
fn several_files_dragged_out_arrive_where_the_button_is_let_go() {
    for (version, has_proxy) in [(5, false), (3, false), (9, false), (5, true)] {
        check_drop(version, has_proxy);
    }
}

/// Begins a drag over a window that answers `accepts`; source and window.
fn over(scene: &Scene, drag: &mut Drag, accepts: bool) -> (Window, Window) {
    let window = scene.taker(5);
    scene.press();
    drag.begin(&files()).unwrap();
    scene.point(THERE);
    let source = scene.told(scene.atoms.XdndEnter, window)[0];
    scene.answer(window, source, accepts);
    (source, window)
}

#[test]
fn a_refused_drop_an_escape_and_a_silent_window_end_with_a_leave_and_without_a_drop() {
    let Some(scene) = Scene::open() else { return };
    let mut drag = scene.drag();
    // Refused.
    let (_, window) = over(&scene, &mut drag, false);
    scene.release();
    scene.told(scene.atoms.XdndLeave, window);
    scene.is_given_back();
    scene.conn.destroy_window(window).unwrap();
    // Escape; its code is the keyboard's.
    let (_, window) = over(&scene, &mut drag, true);
    let (first, last) = (scene.conn.setup().min_keycode, scene.conn.setup().max_keycode);
    let keys = scene.conn.get_keyboard_mapping(first, last - first + 1).unwrap().reply().unwrap();
    let key = keys.keysyms.chunks(keys.keysyms_per_keycode.into()).position(|key| key[0] == 0xFF1B).unwrap();
    let key = first + u8::try_from(key).unwrap();
    scene.input(KEY_PRESS_EVENT, key, (0, 0));
    scene.told(scene.atoms.XdndLeave, window);
    scene.is_given_back();
    scene.input(KEY_RELEASE_EVENT, key, (0, 0));
    scene.release();
    scene.conn.destroy_window(window).unwrap();
    // Silent: it hears of a place and never answers.
    let (_, window) = over(&scene, &mut drag, true);
    scene.point((480, 70));
    scene.told(scene.atoms.XdndPosition, window);
    scene.release();
    scene.told(scene.atoms.XdndLeave, window);
    scene.is_given_back();
}

#[test]
fn a_drag_let_go_over_its_own_window_or_over_nothing_goes_nowhere() {
    let Some(scene) = Scene::open() else { return };
    let mut drag = scene.drag();
    for place in [(70, 70), (300, 400)] {
        scene.press();
        drag.begin(&files()).unwrap();
        until("the drag", || (scene.owner() != NONE).then_some(()));
        scene.point(place);
        scene.release();
        scene.is_given_back();
        assert!(drag.dropped().is_empty());
    }
}

#[test]
fn a_window_that_dies_under_the_drag_does_not_end_it() {
    let Some(scene) = Scene::open() else { return };
    let mut drag = scene.drag();
    let (_, window) = over(&scene, &mut drag, true);
    scene.conn.destroy_window(window).unwrap();
    let next = scene.taker(5);
    let source = scene.told(scene.atoms.XdndEnter, next)[0];
    scene.answer(next, source, true);
    scene.release();
    scene.told(scene.atoms.XdndDrop, next);
    drop(drag);
    assert_eq!(scene.owner(), NONE, "its thread and its connection are gone");
}

#[test]
fn a_window_closed_in_the_middle_of_a_drag_ends_it_at_once() {
    let Some(scene) = Scene::open() else { return };
    let mut drag = scene.drag();
    let (_, window) = over(&scene, &mut drag, true);
    drop(drag);
    scene.told(scene.atoms.XdndLeave, window);
    assert_eq!(scene.owner(), NONE);
}

#[test]
fn a_drag_from_one_window_of_ours_to_another_arrives() {
    let Some(scene) = Scene::open() else { return };
    let other = scene.window(THERE);
    let mut from = scene.drag();
    let woken = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&woken);
    let wake = Arc::new(move || told.store(true, Ordering::Relaxed));
    let mut to = Drag::start_on(Some(&scene.display), other, wake).unwrap();
    scene.press();
    from.begin(&files()).unwrap();
    until("the drag", || (scene.owner() != NONE).then_some(()));
    scene.point(THERE);
    scene.release();
    until("the window to be woken", || woken.load(Ordering::Relaxed).then_some(()));
    assert_eq!(to.dropped(), files());
    scene.is_given_back();
    assert!(to.dropped().is_empty() && from.dropped().is_empty());
}

/// Drags files onto our window as a file manager would; whether we said that we took them.
fn check_incoming(scene: &Scene, drag: &mut Drag, types: &[Atom], list: &[u8], expected: &[&str]) {
    let (atoms, source) = (scene.atoms, scene.window((700, 500)));
    let proxy = scene.number(scene.home, atoms.XdndProxy).unwrap();
    assert_eq!(scene.number(proxy, atoms.XdndProxy), Some(proxy), "a living proxy names itself");
    assert_eq!(scene.number(proxy, atoms.XdndAware), Some(5));
    let (kind, all) = (AtomEnum::ATOM, types);
    scene.conn.change_property32(PropMode::REPLACE, source, atoms.XdndTypeList, kind, all).unwrap();
    let mut first = types.iter().copied().chain([NONE; 3]);
    let flags = 5 << 24 | u32::from(types.len() > 3);
    let mut shown = || first.next().unwrap();
    scene.send(proxy, scene.home, atoms.XdndEnter, [source, flags, shown(), shown(), shown()]);
    scene.conn.set_selection_owner(source, atoms.XdndSelection, 0u32).unwrap();
    let place = [source, 0, 60 << 16 | 60, 0, atoms.XdndActionCopy];
    scene.send(proxy, scene.home, atoms.XdndPosition, place);
    let status = scene.told(atoms.XdndStatus, source);
    let has_files = types.contains(&atoms.UriList);
    assert_eq!((status[0], status[1] & 1 == 1), (scene.home, has_files));
    scene.send(proxy, scene.home, atoms.XdndDrop, [source, 0, 0, 0, 0]);
    if has_files {
        let Event::SelectionRequest(request) = until("the request", || {
            Some(scene.next()).filter(|event| matches!(event, Event::SelectionRequest(_)))
        }) else {
            unreachable!("filtered")
        };
        let (to, at) = (request.requestor, request.property);
        scene.conn.change_property8(PropMode::REPLACE, to, at, atoms.UriList, list).unwrap();
        let answer = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor: to,
            selection: request.selection,
            target: request.target,
            property: at,
        };
        scene.conn.send_event(false, to, EventMask::NO_EVENT, answer).unwrap();
        scene.conn.sync().unwrap();
    }
    let end = scene.told(atoms.XdndFinished, source);
    let taken = u32::from(!expected.is_empty());
    assert_eq!((end[0], end[1]), (scene.home, taken));
    assert_eq!(drag.dropped(), expected.iter().map(PathBuf::from).collect::<Vec<_>>());
    scene.conn.destroy_window(source).unwrap();
}

#[test]
fn files_dropped_onto_the_window_are_taken_and_anything_else_is_refused() {
    let Some(scene) = Scene::open() else { return };
    let mut drag = scene.drag();
    let (uris, text) = (scene.atoms.UriList, Atom::from(AtomEnum::STRING));
    check_incoming(
        &scene,
        &mut drag,
        &[uris],
        LIST.as_bytes(),
        &files().iter().map(|f| f.to_str().unwrap()).collect::<Vec<_>>(),
    );
    check_incoming(&scene, &mut drag, &[text, text, text, text, uris], b"file:///a.wav\r\n", &["/a.wav"]);
    check_incoming(&scene, &mut drag, &[text], b"", &[]);
    check_incoming(&scene, &mut drag, &[uris], b"https://elsewhere/a.wav\r\n", &[]);
    let long = b"file:///a.wav\r\n".repeat(100_000);
    check_incoming(&scene, &mut drag, &[uris], &long, &[]);
    let many = b"file:///a.wav\r\n".repeat(FILES_MAX + 1);
    check_incoming(&scene, &mut drag, &[uris], &many, &["/a.wav"; FILES_MAX]);
}

#[test]
fn no_message_of_anybody_ends_the_thread() {
    let Some(scene) = Scene::open() else { return };
    let mut drag = scene.drag();
    let (atoms, proxy) = (scene.atoms, scene.number(scene.home, scene.atoms.XdndProxy).unwrap());
    let kinds = [
        atoms.XdndEnter,
        atoms.XdndPosition,
        atoms.XdndStatus,
        atoms.XdndLeave,
        atoms.XdndDrop,
        atoms.XdndFinished,
        atoms.Wake,
        atoms.UriList,
    ];
    for kind in kinds.iter().chain(kinds.iter().rev()) {
        for data in [[0; 5], [u32::MAX; 5], [scene.home, 1, 2, 3, 4], [proxy, u32::MAX, 0, 0, atoms.UriList]]
        {
            scene.send(proxy, scene.home, *kind, data);
        }
    }
    check_incoming(&scene, &mut drag, &[atoms.UriList], b"file:///a.wav\r\n", &["/a.wav"]);
}

#[test]
fn what_cannot_be_dragged_is_refused_in_words() {
    let Some(scene) = Scene::open() else { return };
    let mut drag = scene.drag();
    for files in [vec![], vec![PathBuf::from("a.wav")], vec![PathBuf::from("/a.wav"); FILES_MAX + 1]] {
        assert!(drag.begin(&files).unwrap_err().ends_with('.'));
    }
}
