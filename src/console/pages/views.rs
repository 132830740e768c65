//! Filters that a user gave a name.

use crate::{
    console::{
        asked::{Answer, Asked, Fields, Wrong},
        shell::Notice,
    },
    ledger::view::SavedView,
};

/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 40;

pub(in crate::console) fn save(asked: Asked) -> Answer {
    Box::pin(async move {
        let name = asked.field("name")?.to_owned();
        if name.chars().count() > NAME_CHARS_MAX {
            return Err(Wrong::Asked(format!("a view's name has at most {NAME_CHARS_MAX} characters")));
        }
        let filter = asked.form.untouched("query").unwrap_or_default();
        let query = super::payments::kept(&Fields::parse(filter.as_bytes()));
        let view = SavedView { name, query };
        asked.ledger().view_save(asked.who(), &view, asked.now).await?;
        Ok(asked.back("/payments", Notice::ViewSaved, 1))
    })
}

pub(in crate::console) fn delete(asked: Asked) -> Answer {
    Box::pin(async move {
        asked.ledger().view_delete(asked.who(), asked.field("name")?).await?;
        Ok(asked.back("/payments", Notice::ViewDeleted, 1))
    })
}
