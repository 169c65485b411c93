//! Jobs: kept, ended, damaged, gone.

use super::*;
use std::fs;

#[test]
fn a_job_is_kept_with_all_it_says() {
    let (_folder, library) = library();
    let take = recorded(&library, "take", 1_000, 2);
    let mut record = job(&library, &take, &["vocals", "drums"]);
    library.save_job(&record).unwrap();
    assert_eq!(library.job(record.key).unwrap(), record);
    for outcome in [
        Outcome::Done { cost: 3 },
        Outcome::Cancelled { released: 2, cost: 1 },
        Outcome::Failed { reason: "the server has no such model; choose another".to_owned(), released: None },
    ] {
        record.outcome = Some(outcome);
        library.save_job(&record).unwrap();
        assert_eq!(Library::open(library.root()).unwrap().job(record.key).unwrap(), record);
    }
    let header: tributary_protocol::vocab::ClipHeader = library.job(record.key).unwrap().clip.into();
    assert_eq!(header, library.clip(&take).unwrap().header);
    library.delete_job(&record).unwrap();
    assert!(matches!(library.job(record.key), Err(LibraryError::Missing { .. })));
    assert_eq!(library.takes().len(), 1, "the take stays");
}

#[test]
fn jobs_of_all_takes_are_listed_newest_first_and_go_with_their_take() {
    let (_folder, library) = library();
    let takes = [recorded(&library, "one", 10, 1), recorded(&library, "two", 10, 1)];
    let mut keys = Vec::new();
    for (at, take) in takes.iter().chain(&takes).enumerate() {
        let record = JobRecord { begun_at_us: at as i64, ..job(&library, take, &["vocals"]) };
        library.save_job(&record).unwrap();
        keys.insert(0, record.key);
    }
    let listed: Vec<JobKey> = library.jobs().iter().map(|job| job.key).collect();
    assert_eq!(listed, keys);
    library.delete_take(takes[0].id).unwrap();
    assert_eq!(library.jobs().len(), 2);
    let orphan = JobRecord { take: takes[0].id, ..library.jobs()[0].clone() };
    assert!(matches!(library.save_job(&orphan), Err(LibraryError::Missing { .. })));
}

#[test]
fn a_job_record_cut_off_anywhere_is_reported_and_nothing_else_suffers() {
    let (_folder, library) = library();
    let take = recorded(&library, "take", 10, 1);
    let record = job(&library, &take, &["vocals"]);
    library.save_job(&record).unwrap();
    let path = library.job_folder(&record).join("job.json");
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() - 2 {
        fs::write(&path, &whole[..length]).unwrap();
        assert_eq!((library.jobs().len(), library.damaged().len()), (0, 1), "{length} bytes");
        assert!(matches!(library.job(record.key), Err(LibraryError::Damaged { .. })));
    }
    assert_eq!(library.takes().len(), 1);
}

#[test]
fn hostile_job_records_are_refused_with_a_reason() {
    let (_folder, library) = library();
    let take = recorded(&library, "take", 10, 1);
    let record = job(&library, &take, &["vocals"]);
    library.save_job(&record).unwrap();
    let path = library.job_folder(&record).join("job.json");
    let whole = fs::read_to_string(&path).unwrap();
    let other = Uuid::now_v7().to_string();
    let key = record.key.0.to_string();
    let many = format!("[{}\"vocals\"]", "\"x\", ".repeat(40));
    let long = format!("[\"{}\"]", "x".repeat(65));
    let stems = "[\n    \"vocals\"\n  ]";
    for (from, to, reason) in [
        ("\"version\": 1", "\"version\": 9", "newer"),
        (key.as_str(), other.as_str(), "another job"),
        ("\"frames\": 10", "\"frames\": 11", "clip"),
        ("\"channels\": 1", "\"channels\": 9", "clip"),
        ("\"rate_hz\": 48000", "\"rate_hz\": 0", "clip"),
        ("\"sha256\": \"", "\"sha256\": \"00", "64 hex digits"),
        (stems, many.as_str(), "stems"),
        (stems, long.as_str(), "characters"),
        (stems, "[\"\"]", "characters"),
    ] {
        assert!(whole.contains(from), "{from} in {whole}");
        fs::write(&path, whole.replace(from, to)).unwrap();
        let damaged = library.damaged();
        assert!(damaged.len() == 1 && damaged[0].reason.contains(reason), "{to}: {damaged:?}");
    }
    for (from, to) in [("-3.5", "-900.5"), ("\"version\": 1", "\"version\": 1, \"of later\": {}")] {
        fs::write(&path, whole.replace(from, to)).unwrap();
        let read = library.job(record.key).unwrap();
        assert!(read.mix["vocals"].gain_db >= -60.0);
    }
}

#[test]
fn numbers_that_are_none_do_not_make_a_record_unreadable() {
    let (_folder, library) = library();
    let take = recorded(&library, "take", 10, 1);
    let mut record = job(&library, &take, &["vocals"]);
    record.mix.insert("vocals".to_owned(), Fader { gain_db: f32::NAN, ..Fader::default() });
    record.mix.insert("not a stem".to_owned(), Fader::default());
    record.place.tempo = Some(f64::INFINITY);
    library.save_job(&record).unwrap();
    let read = library.job(record.key).unwrap();
    assert_eq!((read.mix["vocals"].gain_db, read.mix.len(), read.place.tempo), (0.0, 1, None));
    record.stems.push("x".repeat(65));
    assert!(matches!(library.save_job(&record), Err(LibraryError::Unsuitable { .. })));
    assert_eq!(library.job(record.key).unwrap(), read, "what was there before stays");
}

#[test]
fn a_record_of_before_there_were_settings_and_sheets_is_read() {
    let (_folder, library) = library();
    let take = recorded(&library, "take", 10, 1);
    let record = job(&library, &take, &["vocals"]);
    library.save_job(&record).unwrap();
    let path = library.job_folder(&record).join("job.json");
    let mut old: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    for name in ["settings", "references", "sheets"] {
        assert!(old.as_object_mut().unwrap().remove(name).is_some(), "{name}");
    }
    fs::write(&path, old.to_string()).unwrap();
    assert_eq!(library.job(record.key).unwrap(), record);
}

#[test]
fn a_sheet_is_kept_under_a_name_for_people_and_only_as_it_was_made() {
    use sha2::Digest;
    let (_folder, library) = library();
    let take = recorded(&library, "take", 10, 1);
    let sheet = |name: &str| SheetRecord {
        name: name.to_owned(),
        sha256: sha2::Sha256::digest(b"MThd").into(),
        bytes: 4,
    };
    let names = ["notes.mid", "notes.csv", "run me.exe", "../up.mid", "analysis.json"];
    let sheets = names.map(sheet).to_vec();
    let record = JobRecord { sheets, ..job(&library, &take, &[]) };
    library.save_job(&record).unwrap();
    assert_eq!(record.rows(), ["notes"]);
    assert!(!record.fader("notes").is_muted, "there is nothing else to hear");
    let beside = JobRecord { stems: vec!["vocals".to_owned()], ..record.clone() };
    assert_eq!(["vocals", "notes"].map(|row| beside.fader(row).is_muted), [false, true]);
    for sheet in &record.sheets {
        fs::write(library.sheet_part(&record, &sheet.name), b"MTrk").unwrap();
        assert!(matches!(library.keep_sheet(&take, &record, sheet), Err(LibraryError::Damaged { .. })));
        fs::write(library.sheet_part(&record, &sheet.name), b"MThd").unwrap();
        let file = library.keep_sheet(&take, &record, sheet).unwrap();
        assert_eq!(file.parent(), Some(library.job_folder(&record).as_path()));
    }
    let files = library.sheets(&record);
    let ends: Vec<_> =
        files.iter().map(|(_, file)| file.as_ref().unwrap().extension().unwrap().to_str().unwrap()).collect();
    assert_eq!(ends, ["mid", "csv", "txt", "mid", "json"]);
    assert_eq!(library.read_sheet(&record, "notes.mid", 4).unwrap(), b"MThd");
    assert!(library.read_sheet(&record, "notes.mid", 3).is_err());
    fs::remove_file(files[0].1.as_ref().unwrap()).unwrap();
    assert!(library.sheets(&record)[0].1.is_none());
}
