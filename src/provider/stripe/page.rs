//! From a list's text to its objects. Of an object only the head is read here; its bytes are passed on as they came.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    head::{head, unreadable},
    paid,
};
use crate::{
    config::{Source, preset::EventMap},
    provider::{
        event::{json, words::words},
        history::{HistoryError, Listed, Paid},
    },
};

#[derive(Deserialize)]
struct Whole<'a> {
    has_more: bool,
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
}

/// One page of a list; its objects share its memory.
pub(super) struct Page {
    pub(super) has_more: bool,
    objects: Vec<Bytes>,
}

impl Page {
    pub(super) fn read(body: Vec<u8>) -> Result<Self, HistoryError> {
        let body = Bytes::from(body);
        let page = Self::of(&body).or_else(|_| Self::of(&Bytes::from(json::mended(&body))));
        page.map_err(|error| unreadable("no list", &error))
    }

    fn of(body: &Bytes) -> Result<Self, serde_json::Error> {
        let whole: Whole<'_> = serde_json::from_slice(body)?;
        let objects = whole.data.iter().map(|object| body.slice_ref(object.get().as_bytes())).collect();
        Ok(Self { has_more: whole.has_more, objects })
    }

    pub(super) fn last_id(&self) -> Result<Option<String>, HistoryError> {
        self.objects.last().map(|object| Ok(head(object)?.id.into_owned())).transpose()
    }

    pub(super) fn events(&self, map: &EventMap) -> Result<Vec<Listed>, HistoryError> {
        let listed = |body: &Bytes| {
            let words = words(map, &|_| None, body);
            Ok(Listed {
                event_id: words.event_id,
                event_type: words.event_type,
                created_at: head(body)?.created_at(),
                body: body.clone(),
            })
        };
        self.objects.iter().map(listed).collect()
    }

    pub(super) fn payments(&self, source: &Source) -> Result<Vec<Paid>, HistoryError> {
        self.objects.iter().filter_map(|object| paid::paid(source, object).transpose()).collect()
    }
}
