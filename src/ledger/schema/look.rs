//! What stands where the settings name the ledger, found without making or changing anything: `check` must be able to
//! say that a ledger is missing without making it.

use std::{path::Path, time::Duration};

use secrecy::ExposeSecret as _;
use tokio::time::timeout;

use super::open;
use crate::{
    config,
    ledger::{
        LedgerError, LedgerState,
        db::{Db, Fault, Server, Tx, args, fault::refused},
    },
};

/// Longest time to see what is there. To connect may take 20 s, and tells what it waited for.
const LOOK_MAX: Duration = Duration::from_secs(25);

/// Whether there is a schema, and what this user may do.
const POSTGRES: &str = "SELECT \
     CASE WHEN to_regclass('_sqlx_migrations') IS NULL THEN 0 ELSE 1 END AS made, \
     COALESCE(current_schema()::text, '') AS schema, current_user::text AS who, current_database()::text AS place, \
     CASE WHEN pg_is_in_recovery() THEN 1 ELSE 0 END AS standby, \
     CASE WHEN current_setting('transaction_read_only') = 'on' THEN 1 ELSE 0 END AS reads_only, \
     CASE WHEN COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false) THEN 1 ELSE 0 END AS may_make";

/// The same of a file: nothing to ask but whether the table is there.
const SQLITE: &str = "SELECT COUNT(*) AS made, (SELECT COUNT(*) FROM sqlite_master) AS tables FROM sqlite_master \
     WHERE name = '_sqlx_migrations'";

pub(crate) async fn look(settings: &config::LedgerSettings) -> Result<LedgerState, LedgerError> {
    let url = settings.url.resolve().map_err(LedgerError::Unavailable)?;
    let url = url.expose_secret();
    config::ledger_url::check(url, settings)
        .map_err(|why| LedgerError::Refused(format!("ledger.url {why}")))?;
    let looked = async {
        match url.starts_with("sqlite:") {
            true => file(&open::path(url)?).await,
            false => server(url, settings).await,
        }
    };
    let answer = timeout(LOOK_MAX, looked).await;
    answer.unwrap_or_else(|_| Err(LedgerError::Unavailable(format!("no answer within {LOOK_MAX:?}"))))
}

async fn file(path: &Path) -> Result<LedgerState, LedgerError> {
    open::usable(path).map_err(LedgerError::Unavailable)?;
    let missing = || LedgerState::Missing(path.display().to_string());
    if std::fs::metadata(path).map_or(0, |file| file.len()) == 0 {
        let folder = path.parent().unwrap_or(Path::new("."));
        return match rustix::fs::access(folder, rustix::fs::Access::WRITE_OK) {
            Ok(()) => Ok(missing()),
            Err(_) => Err(LedgerError::Unavailable(format!(
                "{} cannot be made: give this user the right to write in {}",
                path.display(),
                folder.display()
            ))),
        };
    }
    let path = path.to_owned();
    Db::sqlite(&path, 1)?
        .read(move |tx| {
            let row = tx.one(SQLITE, args![])?;
            match (row.get::<i64>("made")?, row.get::<i64>("tables")?) {
                (0, 0) => Ok(LedgerState::Missing(path.display().to_string())),
                (0, _) => Err(refused(format!(
                    "{} is the file of another program: name another one in ledger.url",
                    path.display()
                ))),
                _ => schema(tx),
            }
        })
        .await
}

async fn server(url: &str, settings: &config::LedgerSettings) -> Result<LedgerState, LedgerError> {
    Db::postgres(Server::of(url, settings)?, String::new(), 1)?.read(tables).await
}

fn tables(tx: &mut Tx) -> Result<LedgerState, Fault> {
    let row = tx.one(POSTGRES, args![])?;
    let yes = |name: &str| row.get::<i64>(name).map(|value| value != 0);
    let (schema_name, who, place): (String, String, String) =
        (row.get("schema")?, row.get("who")?, row.get("place")?);
    if yes("standby")? {
        return Err(unavailable(format!(
            "the server of {place} is a standby and takes no writes: name the primary in ledger.url, or an address that \
             follows it"
        )));
    }
    if yes("reads_only")? {
        return Err(unavailable(format!(
            "the database {place} takes no writes for {who}: end its maintenance, or from another database `ALTER DATABASE \
             {place} RESET default_transaction_read_only` (likewise `ALTER ROLE {who} …`, or the server's setting)"
        )));
    }
    match (yes("made")?, yes("may_make")?) {
        (true, _) => schema(tx),
        (false, true) => Ok(LedgerState::Missing(format!("the tables in schema {schema_name} of {place}"))),
        (false, false) => {
            let schema_name = if schema_name.is_empty() { "public" } else { &schema_name };
            Err(unavailable(format!(
                "{who} may not make tables in schema {schema_name} of {place}: as the database's owner `GRANT USAGE, CREATE \
                 ON SCHEMA {schema_name} TO {who}`, or make {who} the owner of the database"
            )))
        }
    }
}

/// Compares the schema with this program's.
fn schema(tx: &mut Tx) -> Result<LedgerState, Fault> {
    let row = tx.one("SELECT MAX(version) AS version FROM _sqlx_migrations", args![])?;
    match row.get::<Option<i64>>("version")?.unwrap_or_default() {
        found if found > open::known() => Err(open::newer(found).into()),
        found if found < open::known() => Ok(LedgerState::Older { found, known: open::known() }),
        _ => Ok(LedgerState::Whole),
    }
}

fn unavailable(text: String) -> Fault {
    LedgerError::Unavailable(text).into()
}
