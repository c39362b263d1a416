//! What is asked about one portal.

use std::sync::Arc;

use cac_common::interface::{GetPortal, PortalReply, Refusal, SubmitPin, TestPortal};
use cac_common::wire::Descriptor;
use serde_json::Value;

use super::{Answered, Server, parameters, pin};
use crate::event::{Event, Peer};

impl Server {
    pub(super) fn get_portal(&self, asked: Value) -> Result<Answered, Refusal> {
        let GetPortal { name } = parameters(asked)?;
        let published = Arc::clone(&self.snapshots.borrow());
        let portal = published.portal(&name).ok_or(Refusal::NoSuchPortal)?;
        Ok(Answered::of(&PortalReply { portal }))
    }

    pub(super) async fn test_portal(
        &self,
        asked: Value,
        descriptor: Option<Descriptor>,
        peer: Peer,
    ) -> Result<Answered, Refusal> {
        let TestPortal {
            portal,
            card,
            visit,
            even_the_last_try,
            with_page,
        } = parameters(asked)?;
        let typed_for = SubmitPin {
            card,
            visit,
            even_the_last_try,
        };
        let pin = pin::read(typed_for, descriptor, peer.uid).await?;
        self.ask(peer, move |request| Event::TestAsked {
            request,
            portal,
            pin,
            with_page,
        })
        .await
    }
}
