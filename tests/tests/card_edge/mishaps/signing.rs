//! A signature is of the right card, or there is none; nobody is left logged
//! in; and a PIN is sent to one card, once, unless that accepted it.

use cac_tests::virtual_card::instruction;
use cac_tests::virtual_card::log::ApduLog;
use cacd::card::transport::TransportError;

use super::*;

/// A card that was read, and what is known of a signature that nothing disturbs.
struct Undisturbed {
    kind: Kind,
    order: Order,
    /// APDUs of the signature.
    apdus: usize,
    /// The number of the one with the PIN.
    pin: usize,
}

impl Undisturbed {
    fn of(kind: Kind) -> Self {
        let card = kind.card();
        let facts = read_whole(&card);
        let slot = kind.slot;
        let slot = slot.unwrap_or_else(|| facts.login.as_ref().unwrap().slot);
        let order = order_for(&facts, slot);
        card.clear_log();

        let signed = sign_now(&card, &order, fresh_pin(&order));

        let log = card.log();
        assert!(
            verifies(&order.target.certificate, &signed.result.unwrap()),
            "{kind}"
        );
        assert_eq!(log.pin_attempts(), 1);
        Self {
            kind,
            order,
            apdus: log.count(),
            pin: pin_at(&log).unwrap(),
        }
    }

    fn at(&self, number: usize) -> String {
        format!("{}, {number} of {}", self.kind, self.apdus)
    }

    /// Signs with a card of this kind that a mishap waits for.
    fn disturbed(&self, plan: impl FnOnce(&CardHandle)) -> (CardHandle, Done<Vec<u8>>) {
        let card = self.kind.card();
        plan(&card);
        let signed = sign_now(&card, &self.order, fresh_pin(&self.order));
        (card, signed)
    }

    /// Whether a PIN came back as it has to when its command got no answer.
    fn pin_is_right(&self, number: usize, pin: Option<&HeldPin>) -> bool {
        match pin {
            Some(HeldPin::Unsent(_)) => number < self.pin,
            Some(HeldPin::Accepted(_)) => number > self.pin,
            None => number == self.pin,
        }
    }
}

#[test]
fn a_card_pulled_at_any_apdu_of_a_signature_gives_none_and_no_pin_of_doubt() {
    for kind in kinds() {
        let undisturbed = Undisturbed::of(kind);
        for number in 0..undisturbed.apdus {
            let at = undisturbed.at(number);

            let (card, signed) = undisturbed.disturbed(|card| card.pull_at(before(number)));

            assert_eq!(signed.result, removed(), "{at}");
            assert!(
                undisturbed.pin_is_right(number, signed.pin.as_ref()),
                "{at}"
            );
            assert!(!card.pin_is_verified(), "{at}");
            assert!(card.log().pin_attempts() <= 1, "{at}");
            assert_eq!(card.tries_left(), 3, "{at}");
            // What is put back is signed with again, by who has a PIN.
            card.put_in();
            if let Some(pin) = signed.pin {
                let again = sign_now(&card, &undisturbed.order, pin);
                assert!(
                    verifies(
                        &undisturbed.order.target.certificate,
                        &again.result.unwrap()
                    ),
                    "{at}"
                );
                assert!(!card.pin_is_verified(), "{at}");
            }
        }
        println!("{kind}: pulled at {} APDUs", undisturbed.apdus);
    }
}

#[test]
fn a_card_swapped_at_any_apdu_of_a_signature_leaves_the_other_one_untouched() {
    for kind in kinds() {
        let undisturbed = Undisturbed::of(kind);
        for (other, number) in kind
            .others()
            .into_iter()
            .flat_map(|other| (0..undisturbed.apdus).map(move |number| (other, number)))
        {
            let at = undisturbed.at(number);

            let (card, signed) = undisturbed
                .disturbed(|card| card.swap_at(before(number), other, kind.model).unwrap());

            // The log goes on with the other card.
            assert_eq!(card.log().count(), number, "{at}");
            assert_eq!(signed.result, removed(), "{at}");
            assert!(
                undisturbed.pin_is_right(number, signed.pin.as_ref()),
                "{at}"
            );
            // Whoever did not notice, and tries again, gets nowhere.
            card.clear_log();
            let pin = signed.pin.unwrap_or_else(|| fresh_pin(&undisturbed.order));
            let again = sign_now(&card, &undisturbed.order, pin);
            assert_eq!(again.result, Err(CardError::OtherCard), "{at}");
            assert!(again.pin.is_none(), "{at}");
            let log = card.log();
            assert_eq!((log.pin_attempts(), log.key_operations()), (0, 0), "{at}");
            assert_eq!(card.tries_left(), 3, "{at}");
            assert!(!card.pin_is_verified(), "{at}");
        }
        println!("{kind}: swapped at {} APDUs", undisturbed.apdus);
    }
}

#[test]
fn a_card_reset_at_any_apdu_of_a_signature_signs_when_begun_anew() {
    for kind in kinds() {
        let undisturbed = Undisturbed::of(kind);
        for number in 0..undisturbed.apdus {
            let at = undisturbed.at(number);

            let (card, signed) = undisturbed.disturbed(|card| card.reset_at(before(number)));

            let reset = Err(TransportError::Reset.into());
            assert_eq!(signed.result, reset, "{at}");
            assert!(
                undisturbed.pin_is_right(number, signed.pin.as_ref()),
                "{at}"
            );
            assert!(!card.pin_is_verified(), "{at}");
            if let Some(pin) = signed.pin {
                let again = sign_now(&card, &undisturbed.order, pin);
                assert!(
                    verifies(
                        &undisturbed.order.target.certificate,
                        &again.result.unwrap()
                    ),
                    "{at}"
                );
                assert!(matches!(again.pin, Some(HeldPin::Accepted(_))), "{at}");
            }
            assert!(!card.pin_is_verified(), "{at}");
            assert_eq!(card.tries_left(), 3, "{at}");
            let sent: Vec<u16> = pins(&card.log());
            assert!(
                sent.len() <= 2 && sent.iter().all(|sw| *sw == 0x9000),
                "{at}"
            );
        }
        println!("{kind}: reset at {} APDUs", undisturbed.apdus);
    }
}

#[test]
fn a_reset_that_nobody_tells_of_spoils_no_signature_that_is_begun_anew() {
    for kind in kinds() {
        let undisturbed = Undisturbed::of(kind);
        let mut begun_anew = 0;
        for number in 0..undisturbed.apdus {
            let at = undisturbed.at(number);

            let (card, signed) =
                undisturbed.disturbed(|card| card.reset_unheard_at(before(number)));

            let signature = signed.result.unwrap_or_else(|error| {
                assert_eq!(
                    signed.pin.is_none(),
                    number == undisturbed.pin,
                    "{at}: {error}"
                );
                begun_anew += 1;
                let pin = signed.pin;
                let pin = pin.unwrap_or_else(|| fresh_pin(&undisturbed.order));
                let again = sign_now(&card, &undisturbed.order, pin);
                again.result.unwrap()
            });
            assert!(
                verifies(&undisturbed.order.target.certificate, &signature),
                "{at}"
            );
            assert!(!card.pin_is_verified(), "{at}");
            assert_eq!(card.tries_left(), 3, "{at}");
        }
        println!("{kind}: begun anew {begun_anew} times");
    }
}

/// PC/SC's lock keeps others out, if the driver keeps to it. Where it does
/// not, what comes for a signature can be an answer of the other applet; who
/// asked for it holds it against the certificate before it goes anywhere.
#[test]
fn another_applet_selected_at_any_apdu_of_a_signature_spoils_it_at_most() {
    for kind in kinds() {
        let undisturbed = Undisturbed::of(kind);
        let (mut right, mut refused, mut spoilt) = (0, 0, 0);
        for number in 0..undisturbed.apdus {
            let at = undisturbed.at(number);

            let (card, signed) = undisturbed.disturbed(|card| card.select_other_at(before(number)));

            match &signed.result {
                Ok(signature) if verifies(&undisturbed.order.target.certificate, signature) => {
                    right += 1;
                }
                Ok(_) => spoilt += 1,
                Err(CardError::Transport(error)) => panic!("{at}: {error}"),
                Err(_) => refused += 1,
            }
            let log = card.log();
            assert!(!card.pin_is_verified(), "{at}");
            assert!(log.key_operations() <= 1, "{at}");
            assert_eq!(card.tries_left(), 3, "{at}");
            match (&signed.pin, &pins(&log)[..]) {
                (Some(HeldPin::Unsent(_)), []) | (Some(HeldPin::Accepted(_)), [0x9000]) => {}
                // A count that is not known is not risked, and a card that is
                // another gets no PIN.
                (None, []) => assert!(
                    matches!(
                        signed.result,
                        Err(CardError::LastTry { .. } | CardError::OtherCard)
                    ),
                    "{at}"
                ),
                (None, [status]) if *status != 0x9000 => {}
                (_, sent) => panic!("{at}: {sent:04X?}"),
            }
            let Some(pin) = pin_at(&log).filter(|pin| number < *pin) else {
                continue;
            };
            // Either the applet was selected again, or the other one was asked
            // for the tries left, and told them: the same PIN of the same card.
            let since = &log.entries()[number..pin];
            let selected = since
                .iter()
                .any(|apdu| apdu.ins == instruction::SELECT && is_success(apdu.sw.0));
            let asked = since
                .iter()
                .any(|apdu| apdu.ins == instruction::VERIFY && apdu.sw.0 == 0x63C3);
            assert!(selected || asked, "{at}");
        }
        println!("{kind}: {right} right, {refused} refused, {spoilt} spoilt");
    }
}

fn sign_now(card: &CardHandle, order: &Order, pin: HeldPin) -> Done<Vec<u8>> {
    sign(&mut card.transport(), &Habits::default(), order, pin)
}

fn fresh_pin(order: &Order) -> HeldPin {
    pin(&order.target.card, samples::PIN, false)
}

/// What the card said to each PIN.
fn pins(log: &ApduLog) -> Vec<u16> {
    let carrying = log.entries().iter().filter(|apdu| apdu.carries_pin);
    carrying.map(|apdu| apdu.sw.0).collect()
}

fn pin_at(log: &ApduLog) -> Option<usize> {
    log.entries().iter().position(|apdu| apdu.carries_pin)
}

fn is_success(status: u16) -> bool {
    matches!(status, 0x9000 | 0x6100..=0x61FF)
}

fn removed() -> Result<Vec<u8>, CardError> {
    Err(TransportError::Removed.into())
}
