//! What is SQLite's own: the file, its triggers, its full disk. The laws of all stores are in `conformance`.

use super::*;
use crate::store::conformance::{Bed, asks, at, interleavings, laws, stems, widgets};
use crate::store::{Admission, NewJob};
use proptest::test_runner::{Config, TestRunner};
use sqlx::AssertSqlSafe;
use std::sync::Arc;
use std::task::Poll;
use tempfile::TempDir;
use tributary_protocol::vocab::Credits;

async fn a_file() -> Bed {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(&folder.path().join("tributary.db")).await.unwrap();
    Bed { store: Arc::new(store), _keep: Box::new(folder) }
}

laws!(a_file);

/// A store that holds one row in every table, and the same as a [`Bed`].
async fn with_history() -> (Arc<SqliteStore>, Bed) {
    let store = Arc::new(SqliteStore::open_in_memory().await.unwrap());
    let bed = Bed { store: Arc::clone(&store) as Arc<dyn Store>, _keep: Box::new(()) };
    let tenant = bed.account(10).await;
    let claim = bed.running(&tenant, 4).await;
    bed.store.finish(&claim, &stems(), at(3)).await.unwrap();
    (store, bed)
}

async fn refusal(store: &SqliteStore, sql: &str) -> String {
    let mut tx = store.write().await.unwrap();
    match sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut *tx).await {
        Ok(_) => panic!("accepted: {sql}"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn ledger_rows_can_be_added_but_neither_changed_nor_deleted() {
    let (store, bed) = with_history().await;
    for sql in [
        "UPDATE hold SET amount = 1",
        "UPDATE settlement SET captured = 0, released = 4",
        "UPDATE transfer SET note = 'x'",
        "DELETE FROM hold",
        "DELETE FROM settlement",
        "DELETE FROM transfer",
        "INSERT OR REPLACE INTO transfer SELECT * FROM transfer",
        "INSERT OR REPLACE INTO settlement SELECT * FROM settlement",
    ] {
        let error = refusal(&store, sql).await;
        assert!(error.contains("rows are only added"), "{sql}: {error}");
    }
    bed.assert_audit_is_clean().await;
}

#[tokio::test]
async fn the_tables_refuse_what_the_code_must_never_write() {
    let (store, bed) = with_history().await;
    for (sql, law) in [
        ("UPDATE wallet SET held = posted + 1", "CHECK"),
        ("UPDATE wallet SET posted = -1, held = -1", "CHECK"),
        ("UPDATE wallet SET posted = 9007199254740993", "CHECK"),
        ("UPDATE job SET state = 'lost'", "CHECK"),
        ("UPDATE job SET ended_at = NULL", "CHECK"),
        ("UPDATE job SET state = 'running'", "CHECK"),
        ("UPDATE job SET chunks_done = chunks + 1", "CHECK"),
        ("INSERT INTO settlement SELECT * FROM settlement", "UNIQUE"),
        ("INSERT INTO book (account_id, kind) VALUES (NULL, 'revenue')", "UNIQUE"),
        ("INSERT INTO book (account_id, kind) VALUES (NULL, 'wallet')", "CHECK"),
        (
            "INSERT INTO transfer (account_id, debit, credit, amount, kind, payment_id, posted_after, note, created_at)
             SELECT account_id, 1, 1, 5, 'grant', 'again', 5, '', 0 FROM wallet",
            "CHECK",
        ),
        (
            "INSERT INTO transfer (account_id, debit, credit, amount, kind, job_id, posted_after, note, created_at)
             SELECT account_id, 3, 2, 1, 'capture', randomblob(16), 5, '', 0 FROM wallet",
            "FOREIGN KEY",
        ),
        (
            "INSERT INTO job (account_id, id, state, seq, model, stems, title, clip_sha256, clip_frames, clip_channels,
             clip_rate_hz, chunks, created_at, queued_at) SELECT account_id, randomblob(16), 'queued', 1, 'm', '[]', '',
             randomblob(32), 1, 1, 8000, 1, 0, 0 FROM wallet",
            "FOREIGN KEY",
        ),
    ] {
        let error = refusal(&store, sql).await;
        assert!(error.contains(law), "{sql}: {error}");
    }
    bed.assert_audit_is_clean().await;
}

#[tokio::test]
async fn no_statement_gives_a_job_or_a_widget_to_another_account() {
    let (store, bed) = with_history().await;
    let (tenant, stranger) = (bed.account(10).await, bed.account(10).await);
    for tenant in [&tenant, &stranger] {
        widgets::fill(&bed, tenant).await;
    }
    let other = "(SELECT o.id FROM widget AS o WHERE o.account_id <> job.account_id)";
    for (sql, law) in [
        (format!("UPDATE job SET widget_id = {other} WHERE widget_id IS NOT NULL"), "its own account"),
        (
            format!(
                "UPDATE job SET widget_id = {other}, visitor_sha256 = randomblob(32) WHERE widget_id IS NULL"
            ),
            "its own account",
        ),
        (
            "UPDATE widget SET account_id = (SELECT max(account_id) FROM wallet) WHERE account_id <>
             (SELECT max(account_id) FROM wallet)"
                .to_owned(),
            "stays with its account",
        ),
        ("UPDATE widget SET fixed = '[]'".to_owned(), "CHECK"),
        ("UPDATE widget SET fixed = 'x'".to_owned(), "CHECK"),
    ] {
        let error = refusal(&store, &sql).await;
        assert!(error.contains(law), "{sql}: {error}");
    }
    bed.assert_audit_is_clean().await;
}

#[tokio::test]
async fn what_was_folded_is_in_the_one_file() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("tributary.db");
    let store = Arc::new(SqliteStore::open(&file).await.unwrap());
    Bed { store: Arc::clone(&store) as Arc<dyn Store>, _keep: Box::new(()) }.account(10).await;
    let accounts_alone = async |name: &str| {
        let alone = folder.path().join(name);
        std::fs::copy(&file, &alone).unwrap();
        SqliteStore::open(&alone).await.unwrap().accounts().await.unwrap().len()
    };
    assert_eq!(accounts_alone("before.db").await, 0, "what was written last is in the log");
    let _other = store.read().await.unwrap();
    store.fold().await.unwrap();
    assert_eq!(accounts_alone("after.db").await, 1);
}

#[tokio::test]
async fn a_hold_cannot_be_committed_without_its_job() {
    let (store, bed) = with_history().await;
    let mut tx = store.write().await.unwrap();
    sqlx::query("INSERT INTO hold SELECT account_id, randomblob(16), 1, 0 FROM wallet")
        .execute(&mut *tx)
        .await
        .unwrap();
    assert!(tx.commit().await.is_err());
    bed.assert_audit_is_clean().await;
}

#[tokio::test]
async fn the_audit_finds_what_was_changed_behind_the_store() {
    for (sql, field) in [
        ("UPDATE wallet SET posted = posted + 1", "accounts_off_ledger: 1"),
        ("UPDATE wallet SET held = held + 1", "accounts_off_holds: 1"),
        ("DROP TRIGGER settlement_is_kept; PRAGMA foreign_keys = OFF; DELETE FROM settlement", "settlements_off: 1"),
        ("DROP TRIGGER settlement_is_kept; PRAGMA foreign_keys = OFF; DELETE FROM settlement", "holds_off_jobs: 1"),
        ("DROP TRIGGER transfer_is_fixed; UPDATE transfer SET credit = 1 - credit + 3 WHERE kind = 'capture';
          PRAGMA ignore_check_constraints = ON; UPDATE transfer SET credit = debit WHERE kind = 'capture'", "transfers_off: 1"),
        ("DROP TRIGGER transfer_is_fixed; UPDATE transfer SET posted_after = 9 WHERE kind = 'grant'", "accounts_off_ledger: 1"),
    ] {
        let (store, bed) = with_history().await;
        bed.assert_audit_is_clean().await;
        let sql: &'static str = sql;
        sqlx::raw_sql(sql).execute(&mut *store.read().await.unwrap()).await.unwrap();
        let found = format!("{:?}", store.audit().await.unwrap());
        assert!(found.contains(field), "{sql}: {found}");
    }
}

#[tokio::test]
async fn a_full_disk_is_named_changes_nothing_and_heals() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tributary.db");
    let roomy = SqliteStore::open(&path).await.unwrap();
    let ballast = "CREATE TABLE ballast (bytes BLOB); INSERT INTO ballast VALUES (zeroblob(200000))";
    sqlx::raw_sql(ballast).execute(&mut *roomy.read().await.unwrap()).await.unwrap();
    // A file that may have no more pages than it has: the same error as a disk without room, from the same place.
    let options = SqliteConnectOptions::new().filename(&path).pragma("max_page_count", "1");
    let store =
        Arc::new(SqliteStore::with(options, SqlitePoolOptions::new().max_connections(2)).await.unwrap());
    let bed = Bed { store: Arc::clone(&store) as Arc<dyn Store>, _keep: Box::new(folder) };
    let tenant = bed.account(1000).await;
    let mut admitted = 0;
    for _ in 0..200 {
        let new = NewJob { title: "t".repeat(2000), ..asks(1) };
        match store.admit(&tenant, &new, at(1)).await {
            Ok(Admission::Admitted(_)) => admitted += 1,
            Err(StoreError::DiskFull) => break,
            other => panic!("{other:?}"),
        }
    }
    for _ in 0..5 {
        let refused = store.admit(&tenant, &NewJob { title: "t".repeat(9000), ..asks(1) }, at(1)).await;
        assert!(matches!(refused, Err(StoreError::DiskFull)), "{refused:?}");
    }
    assert_eq!(bed.balance(&tenant).await, (1000, admitted));
    bed.assert_audit_is_clean().await;
    sqlx::raw_sql("DROP TABLE ballast").execute(&mut *roomy.read().await.unwrap()).await.unwrap();
    bed.admit(&tenant, &NewJob { title: "t".repeat(9000), ..asks(1) }, 2).await;
}

async fn in_memory() -> Bed {
    Bed { store: Arc::new(SqliteStore::open_in_memory().await.unwrap()), _keep: Box::new(()) }
}

// Two halves, so that both run at once.
#[test]
fn random_interleavings_agree_with_the_model() {
    random_interleavings_agree_with_the_model_in(5000);
}

#[test]
fn more_random_interleavings_agree_with_the_model() {
    random_interleavings_agree_with_the_model_in(5000);
}

fn random_interleavings_agree_with_the_model_in(cases: u32) {
    interleavings::random_interleavings_agree_with_the_model(cases, in_memory);
}

/// Polls so many times, then drops the future wherever it is.
async fn cut<F: Future>(future: F, mut polls: u32) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if polls == 0 => Poll::Ready(None),
        Poll::Pending => {
            polls -= 1;
            Poll::Pending
        }
    })
    .await
}

/// Plays cases of which one operation is cut in its middle and the store dropped, and opens the file again.
#[test]
fn a_store_dropped_in_the_middle_of_anything_opens_with_its_books_in_order() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 150, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&(interleavings::ops(), 0..40u32), |(ops, polls)| {
        runtime.block_on(async {
            let folder = TempDir::new().unwrap();
            let path = folder.path().join("tributary.db");
            let open = async || Arc::new(SqliteStore::open(&path).await.unwrap()) as Arc<dyn Store>;
            let mut bed = Bed { store: open().await, _keep: Box::new(()) };
            let mut world = interleavings::World::new(&bed).await;
            for (number, op) in ops.iter().enumerate() {
                if number + 1 < ops.len() {
                    world.perform(op).await;
                } else {
                    cut(world.perform(op), polls).await;
                }
            }
            bed.store = open().await;
            world.store = Arc::clone(&bed.store);
            bed.assert_audit_is_clean().await;
            world.end_everything().await;
            for tenant in &world.tenants {
                assert_eq!(bed.balance(tenant).await.1, 0);
            }
            bed.assert_audit_is_clean().await;
        });
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_may_make_and_use_one_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tributary.db");
    let (one, two) = tokio::join!(SqliteStore::open(&path), SqliteStore::open(&path));
    let beds = [one, two].map(|store| Bed { store: Arc::new(store.unwrap()), _keep: Box::new(()) });
    let tenant = beds[0].account(20).await;
    let spend = async |bed: &Bed| {
        for _ in 0..20 {
            bed.store.admit(&tenant, &asks(1), at(1)).await.unwrap();
        }
    };
    tokio::join!(spend(&beds[0]), spend(&beds[1]));
    assert_eq!(beds[1].balance(&tenant).await, (20, 20));
    beds[0].assert_audit_is_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_make_a_file_at_the_same_moment_both_have_it() {
    for _ in 0..20 {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("tributary.db");
        let (one, two) = tokio::join!(SqliteStore::open(&path), SqliteStore::open(&path));
        assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
    }
}

#[tokio::test]
async fn a_closed_file_opens_again_with_everything_in_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tributary.db");
    let id = AccountId::generate();
    let store = SqliteStore::open(&path).await.unwrap();
    store.create_account(id, "studio", 100, at(0)).await.unwrap();
    let grant = Grant { amount: Credits(5), payment_id: "p".into(), note: String::new(), expires_at: None };
    store.grant(&Tenant::acting_for(id), &grant, at(0)).await.unwrap();
    store.close().await;
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.accounts().await.unwrap()[0].balance.posted, Credits(5));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tributary.db");
    std::fs::write(&path, "RIFF, certainly no database, and long enough to be looked at".repeat(40)).unwrap();
    assert!(matches!(SqliteStore::open(&path).await, Err(StoreError::Database(_))));
    assert!(SqliteStore::open(folder.path()).await.is_err(), "a folder is none either");
}
