//! What can be wrong with a card from the day it was issued.

/// One thing that is wrong, and nothing else because of it: what is signed or
/// hashed after it is signed or hashed as it stands on the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blemish {
    /// The CHUID has an empty signature, as test cards have.
    ChuidUnsigned,
    /// The CHUID names another cardholder than when it was signed.
    ChuidTampered,
    /// The last bit of the CHUID's signature is wrong.
    ChuidSignatureBroken,
    /// The CHUID has the FASC-N of another card of this person.
    FascnDiffers,
    /// The CHUID has another Card UUID than the certificates.
    UuidDiffers,
    /// The CHUID ends a month before the certificates.
    CardEndsFirst,
    /// The CHUID has ended a month after its certificates began.
    CardEnded,
    /// The Security Object has another hash of the CHUID.
    SecurityHashWrong,
    /// CHUID and Security Object are signed by somebody whom no authority knows.
    SignerUnknown,
}

impl Blemish {
    /// Each of them.
    pub const ALL: [Self; 9] = [
        Self::ChuidUnsigned,
        Self::ChuidTampered,
        Self::ChuidSignatureBroken,
        Self::FascnDiffers,
        Self::UuidDiffers,
        Self::CardEndsFirst,
        Self::CardEnded,
        Self::SecurityHashWrong,
        Self::SignerUnknown,
    ];
}
