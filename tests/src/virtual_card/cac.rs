//! The CAC card edge of the virtual card, as it was before PIV: applets whose
//! objects lie in a tag buffer and a value buffer each (GSC-IS 2.1, NISTIR 6887).
//!
//! What the standard leaves open is decided as strictly as OpenSC still
//! accepts it: whoever can work with this card does not lean on luck.

mod applet;
mod buffer;
mod contents;
mod edge;

pub use self::contents::{PkiCertificate, certificates};
pub(super) use self::edge::CacEdge;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Which card edges a card has, and so by which names its applets answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Edges {
    /// PIV alone, as the cards of today.
    #[default]
    Piv,
    /// CAC-2: a container that says what is on the card (CCC), an access
    /// control applet (ACA), three PKI applets, and who the holder is.
    Cac,
    /// PIV and CAC-2 with one PIN. The ID certificate is on the CAC edge only,
    /// the certificate for PIV authentication on the PIV edge only.
    Dual,
    /// A token with an ACA, which lists the applets and takes the PIN, and one
    /// certificate for logging in; no CCC.
    Alt,
    /// PKI applets, and nothing that says where.
    Bare,
    /// CAC-1: PKI applets that know no buffers, only GET CERTIFICATE.
    Cac1,
}

/// In what cards with a CAC edge differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacHabits {
    pub certificates: CertificateForm,
    pub pin: CacPin,
    pub aca: AcaPlace,
    /// Refuses SELECT with P2 = 0C, which asks for no answer, as 6A86.
    pub wants_answer_to_select: bool,
    /// The CCC names itself as the one to read next.
    pub ccc_is_a_circle: bool,
    /// Person Instance and Personnel are read with the PIN only.
    pub guards_person: bool,
    pub hostility: Option<CacHostility>,
}

/// How certificates lie in their buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateForm {
    /// DER as one element.
    Plain,
    /// Gzip as one element; certificate information 01.
    Gzip,
    /// The tag buffer is empty. The value buffer holds the object in one piece,
    /// in BER-TLV as PIV has it; GET PROPERTIES says so.
    NotSimpleTlv,
}

/// What VERIFY has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacPin {
    /// 63Cx, as in PIV.
    Counted,
    /// 6985 for a wrong one and 6A88 for none. The card counts all the same.
    Uncounted,
    /// 6A88, whatever comes: this applet never got a PIN.
    NotInitialised,
    /// Counted. CHANGE REFERENCE DATA takes P1 = 01, where other cards take 00.
    ChangedWithP1Set,
}

/// Under which names the ACA of a token answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcaPlace {
    Both,
    /// A0000000790300, as on every CAC.
    Usual,
    /// A0000000791000, the only place where OpenSC looks.
    Alternate,
}

/// Answers that no card should give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacHostility {
    /// Each buffer claims 256 bytes more than it has, and refuses to read them.
    BufferLengthLies,
    /// The tag buffer is 64 kB of empty elements.
    EndlessTags,
    /// The longest element of each object claims 64 kB, the value buffer has less.
    ElementOverTheEnd,
    /// READ BUFFER tells the length, and then answers 9000 with nothing.
    EmptyAnswers,
    /// The value buffer is 64 kB of zeros, and one element takes them all.
    Claims64Kilobytes,
    /// GET CERTIFICATE says for ever that there is more.
    EndlessCertificate,
    /// The ACA lists 255 PKI applets, and each of them can be selected.
    CrowdedServiceTable,
}

/// A PKI applet of a CAC whose key is not one of the PIV keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PkiSlot {
    /// Applet 0100: the person, for logging in and signing.
    Identity,
    /// Applet 0101: signing e-mail; the same as in PIV where it is not set apart.
    Signature,
    /// Applet 0102: decrypting e-mail; the same as in PIV where it is not set apart.
    Encryption,
}

/// A certificate and the key that goes with it, PKCS#8.
pub(crate) struct Credential {
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: Zeroizing<Vec<u8>>,
}

impl CacHabits {
    /// A card without surprises.
    pub const USUAL: Self = Self {
        certificates: CertificateForm::Plain,
        pin: CacPin::Counted,
        aca: AcaPlace::Both,
        wants_answer_to_select: false,
        ccc_is_a_circle: false,
        guards_person: false,
        hostility: None,
    };
}

impl CacHostility {
    /// One of each.
    pub const ALL: [Self; 7] = [
        Self::BufferLengthLies,
        Self::EndlessTags,
        Self::ElementOverTheEnd,
        Self::EmptyAnswers,
        Self::Claims64Kilobytes,
        Self::EndlessCertificate,
        Self::CrowdedServiceTable,
    ];

    /// The cards on which it shows.
    pub fn edges(self) -> &'static [Edges] {
        match self {
            Self::BufferLengthLies
            | Self::EndlessTags
            | Self::ElementOverTheEnd
            | Self::EmptyAnswers
            | Self::Claims64Kilobytes => &[Edges::Cac, Edges::Alt, Edges::Bare],
            Self::EndlessCertificate => &[Edges::Cac1],
            Self::CrowdedServiceTable => &[Edges::Alt],
        }
    }
}

impl PkiSlot {
    /// All three, in the order of their applets.
    pub const ALL: [Self; 3] = [Self::Identity, Self::Signature, Self::Encryption];

    /// Last byte of the applet's identifier.
    pub fn index(self) -> u8 {
        match self {
            Self::Identity => 0,
            Self::Signature => 1,
            Self::Encryption => 2,
        }
    }
}
