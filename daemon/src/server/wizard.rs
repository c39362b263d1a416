//! Registering by hand.

use cac_common::interface::{AnswerWizard, Refusal, method};
use cac_common::password;
use cac_common::wire::Descriptor;
use serde_json::Value;

use super::{Answered, Server, parameters, pin};
use crate::event::{Event, Peer, WizardEvent};

impl Server {
    pub(super) async fn by_hand(
        &self,
        called: &str,
        asked: Value,
        descriptor: Option<Descriptor>,
        peer: Peer,
    ) -> Result<Answered, Refusal> {
        let uid = peer.uid;
        if called == method::GET_CONFIRMATION {
            let what = parameters(asked)?;
            return self
                .ask_wizard(peer, move |request| WizardEvent::ConfirmationAsked {
                    request,
                    what,
                })
                .await;
        }
        if called == method::START_WIZARD {
            let what = parameters(asked)?;
            return self
                .ask_wizard(peer, move |request| WizardEvent::Started {
                    request,
                    uid,
                    what,
                })
                .await;
        }
        if called == method::MOVE_WIZARD {
            let what = parameters(asked)?;
            return self
                .ask_wizard(peer, move |request| WizardEvent::Moved {
                    request,
                    uid,
                    what,
                })
                .await;
        }
        let what: AnswerWizard = parameters(asked)?;
        let secret = match descriptor {
            Some(descriptor) => {
                let taken = pin::take(Some(descriptor), password::LONGEST).await?;
                Some((taken.bytes, taken.length))
            }
            None => None,
        };
        self.ask_wizard(peer, move |request| WizardEvent::Answered {
            request,
            uid,
            what,
            secret,
        })
        .await
    }

    async fn ask_wizard(
        &self,
        peer: Peer,
        event: impl FnOnce(crate::event::RequestId) -> WizardEvent + Send + 'static,
    ) -> Result<Answered, Refusal> {
        self.ask(peer, move |request| Event::Wizard(Box::new(event(request))))
            .await
    }
}
