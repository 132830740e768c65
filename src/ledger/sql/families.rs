//! The families that granted days before.

use sqlx::Row as _;

use super::{SqlLedger, fault::Fault};
use crate::{domain::Ms, ledger::SourceRules};

impl SqlLedger {
    /// Serializable: two workers that start with different settings must not both become the first.
    pub(super) async fn note_rules_once(
        &self,
        realm: &str,
        money_in: &str,
        now: Ms,
    ) -> Result<Option<Ms>, Fault> {
        let mut tx = self.serial().await?;
        let noted = rules(&mut *tx, realm, money_in).await?;
        if let Rules::Same(since) = noted {
            return Ok(since);
        }
        sqlx::query("INSERT INTO source_rules (realm, money_in, since) VALUES ($1, $2, $3)")
            .bind(realm)
            .bind(money_in)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(matches!(noted, Rules::Other).then_some(now))
    }

    pub(super) async fn note_source_once(&self, source: &str, rules: &SourceRules) -> Result<(), Fault> {
        sqlx::query(
            "INSERT INTO realm_sources (provider, realm, source) VALUES ($1, $2, $3) \
             ON CONFLICT (provider, realm, source) DO NOTHING",
        )
        .bind(&*rules.provider)
        .bind(&*rules.realm)
        .bind(source)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    pub(super) async fn rules_since_once(
        &self,
        realm: &str,
        money_in: &str,
        now: Ms,
    ) -> Result<Option<Ms>, Fault> {
        Ok(match rules(&self.read, realm, money_in).await? {
            Rules::Same(since) => since,
            Rules::Other => Some(now),
            Rules::None => None,
        })
    }
}

/// What is noted of a realm.
enum Rules {
    /// This family; since when, if another one did before.
    Same(Option<Ms>),
    /// Another family.
    Other,
    /// Nothing yet.
    None,
}

async fn rules<'e>(
    executor: impl sqlx::Executor<'e, Database = sqlx::Any>,
    realm: &str,
    money_in: &str,
) -> Result<Rules, Fault> {
    let rows =
        sqlx::query("SELECT money_in, since FROM source_rules WHERE realm = $1 ORDER BY number DESC LIMIT 2")
            .bind(realm)
            .fetch_all(executor)
            .await?;
    match rows.first() {
        None => Ok(Rules::None),
        Some(last) if last.try_get::<String, _>("money_in")? == money_in => {
            let since = last.try_get("since")?;
            Ok(Rules::Same((rows.len() > 1).then_some(since)))
        }
        Some(_) => Ok(Rules::Other),
    }
}
