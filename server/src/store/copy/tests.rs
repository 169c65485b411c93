//! Rows go over whole, both ways, or not at all.

use super::*;
use crate::clock::Timestamp;
use crate::job::Job;
use crate::ledger::Line;
use crate::store::conformance::{
    Bed, asks, at, closing, nobodys, people, purchases, stems, terms, webhooks, widgets,
};
use crate::store::postgres::tests::{address, addresses_of, database, open};
use crate::store::{AccountRow, KeyRow, NewJob};
use crate::tenant::Tenant;
use std::sync::Arc;
use tempfile::TempDir;
use tributary_cluster::{ADMIN, Cluster};
use tributary_protocol::vocab::Sha256;

/// Two accounts with jobs in every state, keys, references, captures and releases.
async fn fill(bed: &Bed) {
    for (credits, prefix) in [(50, "aaaaaaaaaaaa"), (20, "bbbbbbbbbbbb")] {
        let tenant = bed.account(credits).await;
        let key = KeyRow {
            account: tenant.account(),
            prefix: prefix.into(),
            secret_sha256: Sha256([3; 32]),
            label: "Schlüssel".into(),
            revoked_at: (credits == 20).then_some(Timestamp(7)),
            ..nobodys()
        };
        bed.store.add_key(&tenant, &key, at(0)).await.unwrap();
        let claim = bed.running(&tenant, 4).await;
        bed.store.finish(&claim, &stems(), at(3)).await.unwrap();
        let claim = bed.running(&tenant, 4).await;
        bed.store.stopped(&claim, 1, at(3)).await.unwrap();
        let claim = bed.running(&tenant, 1).await;
        bed.store.fail(&claim, "broken", at(3)).await.unwrap();
        let mut waits = NewJob { clip_is_stored: false, ..asks(1) };
        waits.references.push((waits.clip, true));
        bed.admit(&tenant, &waits, 5).await;
        bed.store.cancel(&tenant, waits.id, at(6)).await.unwrap();
        let claim = bed.running(&tenant, 2).await;
        bed.store.extend(&claim, 2, at(500)).await.unwrap();
        let mut waits = NewJob { clip_is_stored: false, ..asks(1) };
        waits.references.push((waits.clip, true));
        bed.admit(&tenant, &waits, 5).await;
        terms::fill(bed, &tenant).await;
        people::fill(bed, &tenant).await;
        purchases::fill(bed, &tenant).await;
        webhooks::fill(bed, &tenant).await;
        widgets::fill(bed, &tenant).await;
        closing::fill(bed).await;
    }
}

type Seen = (Vec<AccountRow>, Vec<(Vec<KeyRow>, Vec<Line>, Vec<Job>)>);

/// Everything the store answers.
async fn seen(store: &dyn Store) -> Seen {
    let accounts = store.accounts().await.unwrap();
    let mut of_each = Vec::new();
    for account in &accounts {
        let tenant = Tenant::acting_for(account.id);
        let keys = store.keys(&tenant).await.unwrap();
        let lines = store.history(&tenant, None, 100).await.unwrap();
        of_each.push((keys, lines, store.jobs(&tenant, None, 100).await.unwrap()));
    }
    (accounts, of_each)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_studios_file_moves_into_postgres_and_a_backup_of_that_is_the_same_file_again() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("tributary.db");
    let sqlite = Arc::new(SqliteStore::open(&file).await.unwrap());
    let studio = Bed { store: sqlite, _keep: Box::new(()) };
    fill(&studio).await;
    let before = seen(&*studio.store).await;
    let filled = before.1.iter().filter(|(_, _, jobs)| !jobs.is_empty());
    let counts: Vec<_> = filled.map(|(keys, lines, jobs)| (keys.len(), lines.len(), jobs.len())).collect();
    assert_eq!(counts, [(1, 6, 8); 2]);

    let database = database();
    let admin = address(ADMIN, &database);
    let copied = restore(&admin, &file).await.unwrap();
    assert_eq!(copied.rows.iter().find(|(table, _)| *table == "job"), Some(&("job", 16)));
    let bed = Bed { store: open(&database).await, _keep: Box::new(()) };
    assert_eq!(seen(&*bed.store).await, before);
    bed.assert_audit_is_clean().await;

    let backup = folder.path().join("backup.db");
    assert_eq!(back_up(&addresses_of(&database), &backup).await.unwrap(), copied);
    // The one file has everything: nothing of it waits in a log beside it.
    let names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    let is_of_backup = |name: &&std::ffi::OsString| name.to_string_lossy().starts_with("backup");
    assert_eq!(names.iter().filter(is_of_backup).collect::<Vec<_>>(), ["backup.db"], "{names:?}");
    let again = SqliteStore::open(&backup).await.unwrap();
    assert_eq!(seen(&again).await, before);
    let other = folder.path().join("other.db");
    back_up_file(&backup, &other).await.unwrap();
    assert_eq!(seen(&SqliteStore::open(&other).await.unwrap()).await, before);

    // What comes after a move goes on behind what was moved.
    let tenant = Tenant::acting_for(before.0[0].id);
    bed.grant(&tenant, 1, "after the move").await;
    let lines = bed.store.history(&tenant, None, 2).await.unwrap();
    assert!(
        lines[0].line > before.1.iter().flat_map(|(_, lines, _)| lines).map(|line| line.line).max().unwrap()
    );
    bed.account(3).await;
    bed.assert_audit_is_clean().await;
    // The owner is again one that sees nothing, so a server may serve.
    let hidden =
        "SELECT bool_and(relforcerowsecurity) FROM pg_class WHERE relnamespace = 'tributary'::regnamespace
                  AND relkind = 'r' AND relname <> '_sqlx_migrations'";
    assert_eq!(Cluster::of_this_process().unwrap().run(&database, hidden).unwrap(), "t");
}

#[tokio::test]
async fn nothing_is_copied_over_what_is_there_from_nowhere_or_with_wrong_books() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("tributary.db");
    let bed = Bed { store: Arc::new(SqliteStore::open(&file).await.unwrap()), _keep: Box::new(()) };
    bed.account(5).await;
    let database = database();
    let admin = address(ADMIN, &database);

    let nowhere = folder.path().join("nowhere.db");
    assert!(matches!(restore(&admin, &nowhere).await, Err(CopyError::Missing(_))));
    assert!(matches!(back_up_file(&nowhere, &folder.path().join("x")).await, Err(CopyError::Missing(_))));
    assert!(!nowhere.exists());
    let there = back_up(&addresses_of(&database), &file).await;
    assert!(matches!(there, Err(CopyError::Exists(_))), "{there:?}");

    let left = folder.path().join("left.db-wal");
    std::fs::write(&left, "of a file that was moved away").unwrap();
    for refused in [
        back_up_file(&file, &folder.path().join("left.db")).await.unwrap_err(),
        back_up(&addresses_of(&database), &folder.path().join("left.db")).await.unwrap_err(),
    ] {
        assert!(matches!(&refused, CopyError::Exists(path) if *path == left), "{refused:?}");
    }

    restore(&admin, &file).await.unwrap();
    let twice = restore(&admin, &file).await;
    assert!(matches!(twice, Err(CopyError::NotEmpty(1))), "{twice:?}");

    let wrong = folder.path().join("wrong.db");
    let store = SqliteStore::open(&wrong).await.unwrap();
    Bed { store: Arc::new(SqliteStore::open(&wrong).await.unwrap()), _keep: Box::new(()) }.account(5).await;
    sqlx::raw_sql("UPDATE wallet SET posted = 6").execute(&mut *store.read().await.unwrap()).await.unwrap();
    let refused = restore(&admin, &wrong).await;
    assert!(matches!(refused, Err(CopyError::Wrong(_))), "{refused:?}");
}

/// Both databases have the tables and columns of the list, and no others.
#[tokio::test]
async fn the_list_of_tables_is_that_of_both_databases() {
    let mut listed: Vec<String> = TABLES
        .iter()
        .flat_map(|table| table.columns.iter().map(|(column, _)| format!("{}.{column}", table.name)))
        .collect();
    listed.sort_unstable();
    let sqlite = SqliteStore::open_in_memory().await.unwrap();
    let mut found: Vec<String> = sqlx::query_scalar(
        "SELECT t.name || '.' || c.name FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> '_sqlx_migrations'",
    )
    .fetch_all(&mut *sqlite.read().await.unwrap())
    .await
    .unwrap();
    found.sort_unstable();
    assert_eq!(found, listed);
    let found = Cluster::of_this_process()
        .unwrap()
        .run(
            &database(),
            "SELECT table_name || '.' || column_name FROM information_schema.columns
             WHERE table_schema = 'tributary' AND table_name <> '_sqlx_migrations'",
        )
        .unwrap();
    let mut found: Vec<&str> = found.lines().collect();
    found.sort_unstable();
    assert_eq!(found, listed);
}
