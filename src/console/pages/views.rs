//! Filters that a user gave a name.

use crate::{
    console::{
        error::PageError,
        notice::Notice,
        request::{Answer, Fields, Request},
    },
    ledger::view::SavedView,
};

/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 40;

pub(in crate::console) fn save(request: Request) -> Answer {
    Box::pin(async move {
        let name = request.field("name")?.to_owned();
        if name.chars().count() > NAME_CHARS_MAX {
            return Err(PageError::Unfit(format!("a view's name has at most {NAME_CHARS_MAX} characters")));
        }
        let filter = request.form.untouched("query").unwrap_or_default();
        let query = super::payments::kept(&Fields::parse(filter.as_bytes()));
        let view = SavedView { name, query };
        request.ledger().view_save(request.who(), &view, request.now).await?;
        Ok(request.back("/payments", Notice::ViewSaved, 1))
    })
}

pub(in crate::console) fn delete(request: Request) -> Answer {
    Box::pin(async move {
        request.ledger().view_delete(request.who(), request.field("name")?).await?;
        Ok(request.back("/payments", Notice::ViewDeleted, 1))
    })
}
