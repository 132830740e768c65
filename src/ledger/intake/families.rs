//! The families that granted days before.

use crate::{
    domain::Ms,
    ledger::{
        Ledger, LedgerError, SourceRules,
        db::{Fault, Tx, args},
    },
};

impl Ledger {
    /// Notes the family that grants for a realm; returns since when, if another one did before.
    pub async fn note_rules(&self, realm: &str, money_in: &str, now: Ms) -> Result<Option<Ms>, LedgerError> {
        let (realm, money_in) = (realm.to_owned(), money_in.to_owned());
        self.db.alone(move |tx| tx.note_rules(&realm, &money_in, now)).await
    }

    /// Notes of which provider and realm a source is: its payments are looked for when one of another realm is granted.
    pub async fn note_source(&self, source: &str, rules: &SourceRules) -> Result<(), LedgerError> {
        let (source, rules) = (source.to_owned(), rules.clone());
        self.db.write(move |tx| tx.note_source(&source, &rules)).await
    }

    /// Since when this family would grant for a realm, had it been noted; notes nothing.
    pub async fn rules_since(&self, realm: &str, money_in: &str, now: Ms) -> Result<Option<Ms>, LedgerError> {
        let (realm, money_in) = (realm.to_owned(), money_in.to_owned());
        self.db.read(move |tx| tx.rules_since(&realm, &money_in, now)).await
    }
}

impl Tx {
    /// Alone: two workers that start with different settings must not both become the first.
    pub(in crate::ledger) fn note_rules(
        &mut self,
        realm: &str,
        money_in: &str,
        now: Ms,
    ) -> Result<Option<Ms>, Fault> {
        let noted = rules(self, realm, money_in)?;
        if let Rules::Same(since) = noted {
            return Ok(since);
        }
        self.execute(
            "INSERT INTO source_rules (realm, money_in, since) VALUES ($1, $2, $3)",
            args![realm, money_in, now],
        )?;
        self.commit();
        Ok(matches!(noted, Rules::Other).then_some(now))
    }

    pub(in crate::ledger) fn note_source(&mut self, source: &str, rules: &SourceRules) -> Result<(), Fault> {
        self.execute(
            "INSERT INTO realm_sources (provider, realm, source) VALUES ($1, $2, $3) \
             ON CONFLICT (provider, realm, source) DO NOTHING",
            args![&*rules.provider, &*rules.realm, source],
        )?;
        self.commit();
        Ok(())
    }

    pub(in crate::ledger) fn rules_since(
        &mut self,
        realm: &str,
        money_in: &str,
        now: Ms,
    ) -> Result<Option<Ms>, Fault> {
        Ok(match rules(self, realm, money_in)? {
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

fn rules(tx: &mut Tx, realm: &str, money_in: &str) -> Result<Rules, Fault> {
    let rows = tx.all(
        "SELECT money_in, since FROM source_rules WHERE realm = $1 ORDER BY number DESC LIMIT 2",
        args![realm],
    )?;
    match rows.first() {
        None => Ok(Rules::None),
        Some(last) if last.get::<String>("money_in")? == money_in => {
            let since = last.get("since")?;
            Ok(Rules::Same((rows.len() > 1).then_some(since)))
        }
        Some(_) => Ok(Rules::Other),
    }
}
