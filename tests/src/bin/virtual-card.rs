//! Issues virtual cards and puts them into virtual readers.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;

use anyhow::{Context, bail};
use cac_tests::clock;
use cac_tests::virtual_card::cac;
use cac_tests::virtual_card::card_file::{self, CardFile};
use cac_tests::virtual_card::certificate::Validity;
use cac_tests::virtual_card::habits::Speed;
use cac_tests::virtual_card::hostility::Hostility;
use cac_tests::virtual_card::issuer::{Authority, CardOrder};
use cac_tests::virtual_card::key::KeyAlgorithm;
use cac_tests::virtual_card::person::Person;
use cac_tests::virtual_card::vpcd::Insertion;
use cac_tests::virtual_card::{CardHandle, CardModel};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

/// A Common Access Card made of software, for trials without a real one.
///
/// The cards, the people on them and the authority that issues them are
/// invented. Keys and PIN lie in plain files: nothing here is a secret.
#[derive(Parser)]
#[command(name = "virtual-card", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Issue a card into a folder.
    ///
    /// The authority's folder is filled when it is empty: its root.crt is the
    /// certificate that a portal has to trust.
    Issue(Issue),

    /// Put a card into a reader of pcscd, and take it out at the end.
    ///
    /// Connects to the virtual reader driver vpcd. The card stays in until
    /// standard input closes, or SIGTERM or SIGINT comes.
    Insert(Insert),

    /// Issue a certificate for a server, such as a portal of one's own.
    Server(Server),
}

#[derive(Args)]
struct Issue {
    /// Folder of the authority; a new one is made if there is none.
    #[arg(long, value_name = "DIR")]
    ca: PathBuf,

    /// Folder for the card.
    #[arg(long, value_name = "DIR")]
    card: PathBuf,

    /// Name as on a CAC: LAST.FIRST or LAST.FIRST.MIDDLE.
    #[arg(long, default_value = "DOE.JANE.Q", value_parser = Name::parse)]
    name: Name,

    /// DoD identification number, ten digits.
    #[arg(long, default_value = "1234567890", value_parser = parse_edipi)]
    edipi: u64,

    /// Organisation: 2100 Army, 1700 Navy, 5700 Air Force, 9700 other.
    #[arg(long, default_value_t = 5700, value_parser = clap::value_parser!(u16).range(0..=9999))]
    oi: u16,

    /// Association: 1 and 2 civilian, 4 uniformed, 5 contractor.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(0..=9))]
    poa: u8,

    /// Component in the subject: USA, USN, USAF, CONTRACTOR, ….
    #[arg(long, default_value = "USAF")]
    ou: String,

    /// Kind of the keys: rsa2048, rsa3072, p256 or p384.
    #[arg(long, default_value = "rsa2048")]
    algorithm: KeyAlgorithm,

    /// PIN of the card: six to eight digits.
    #[arg(long, value_name = "DIGITS")]
    pin: String,

    /// How many encryption keys of former cards it carries.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=20))]
    retired: u8,

    /// Issue a card that came to its end yesterday.
    #[arg(long)]
    expired: bool,
}

#[derive(Args)]
struct Insert {
    /// Folder of the card, as `issue` filled it.
    #[arg(long, value_name = "DIR")]
    card: PathBuf,

    /// TCP port of the reader's slot.
    #[arg(long, value_name = "N")]
    port: u16,

    /// Protocol the card speaks.
    #[arg(long, value_enum, default_value_t = Protocol::T1, conflicts_with = "model")]
    protocol: Protocol,

    /// Forget the PIN at SELECT, as a card with CAC applets beside PIV does.
    #[arg(long, conflicts_with = "model")]
    dual: bool,

    /// Which card edges the card has; all but piv take RSA keys.
    #[arg(long, value_enum, default_value_t = Edges::Piv, conflicts_with = "model")]
    edges: Edges,

    /// Play a card of this model.
    ///
    /// t1, t0: a CAC with the one protocol or the other.
    /// dual: PIV and CAC applets.
    /// yubikey, neo, piv-applet: tokens that are no CAC.
    /// contactless, contactless-without-verify: a card held against a reader.
    /// global-pin: the PIN of the whole card comes first.
    /// no-count: does not say how many tries are left.
    /// always-fine: says 9000 whenever it is asked for its PIN state.
    #[arg(long, value_name = "NAME", value_parser = model_named(), verbatim_doc_comment)]
    model: Option<CardModel>,

    /// Play a card that does harm in this way.
    #[arg(long, value_name = "NAME", value_parser = hostility_named())]
    hostile: Option<Hostility>,

    /// Take as long as a real card: 20 ms for each command, 0.08 ms for each byte.
    #[arg(long)]
    real_speed: bool,
}

fn model_named() -> impl TypedValueParser<Value = CardModel> {
    let names = CardModel::ALL.map(|(name, _)| name);
    PossibleValuesParser::new(names).try_map(|wanted| {
        let mut all = CardModel::ALL.into_iter();
        all.find(|(name, _)| *name == wanted)
            .map(|(_, model)| model)
            .ok_or("no such model")
    })
}

fn hostility_named() -> impl TypedValueParser<Value = Hostility> {
    PossibleValuesParser::new(Hostility::ALL.map(Hostility::name)).try_map(|wanted| {
        let mut all = Hostility::ALL.into_iter();
        all.find(|hostility| hostility.name() == wanted)
            .ok_or("no such harm")
    })
}

#[derive(Args)]
struct Server {
    /// Folder of the authority; a new one is made if there is none.
    #[arg(long, value_name = "DIR")]
    ca: PathBuf,

    /// Folder for server.crt (with the issuer) and server.key.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// DNS name or address of the server; may be given more than once.
    #[arg(long, default_value = "localhost")]
    name: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Protocol {
    T0,
    T1,
}

#[derive(Clone, Copy, ValueEnum)]
enum Edges {
    /// PIV alone, as the cards of today
    Piv,
    /// A CAC from before PIV, with ID, signature and encryption certificate
    Cac,
    /// PIV and CAC applets with one PIN
    Dual,
    /// A token: one certificate for logging in, and the applet that takes the PIN
    Alt,
    /// PKI applets, and nothing that says where
    Bare,
    /// PKI applets of the first CACs, without buffers
    Cac1,
}

impl Edges {
    fn of_the_card(self) -> cac::Edges {
        match self {
            Self::Piv => cac::Edges::Piv,
            Self::Cac => cac::Edges::Cac,
            Self::Dual => cac::Edges::Dual,
            Self::Alt => cac::Edges::Alt,
            Self::Bare => cac::Edges::Bare,
            Self::Cac1 => cac::Edges::Cac1,
        }
    }
}

#[derive(Clone)]
struct Name {
    last: String,
    first: String,
    middle: Option<String>,
}

impl Name {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let parts: Vec<_> = text.split('.').map(str::to_owned).collect();
        if parts.iter().any(String::is_empty) {
            return Err("a part of the name is empty");
        }
        match parts.as_slice() {
            [last, first] => Ok(Self {
                last: last.clone(),
                first: first.clone(),
                middle: None,
            }),
            [last, first, middle] => Ok(Self {
                last: last.clone(),
                first: first.clone(),
                middle: Some(middle.clone()),
            }),
            _ => Err("a name is LAST.FIRST or LAST.FIRST.MIDDLE"),
        }
    }
}

fn parse_edipi(text: &str) -> Result<u64, &'static str> {
    if text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_err(|_| "ten digits are asked for")
    } else {
        Err("ten digits are asked for")
    }
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Issue(issue) => issue.run(),
        Command::Insert(insert) => insert.run(),
        Command::Server(server) => server.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("virtual-card: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Issue {
    fn run(self) -> anyhow::Result<()> {
        let authority = authority_in(&self.ca)?;
        let now = clock::now();
        let order = CardOrder {
            person: Person {
                last: self.name.last,
                first: self.name.first,
                middle: self.name.middle,
                edipi: self.edipi,
                oi: self.oi,
                poa: self.poa,
                ou: self.ou,
            },
            algorithm: self.algorithm,
            validity: if self.expired {
                Validity::expired(now)
            } else {
                Validity::current(now)
            },
            pin: &self.pin,
            retired: self.retired,
            blemishes: &[],
        };
        let card = authority.issue_card(&order)?;
        card.save(&self.card).context("cannot save the card")?;
        println!(
            "issued card {} to {}",
            card.card_uuid(),
            card.person.common_name()
        );
        Ok(())
    }
}

/// Why the card comes out.
enum End {
    Asked,
    ReaderGone,
}

impl Insert {
    fn run(self) -> anyhow::Result<()> {
        let file = CardFile::load(&self.card).context("cannot load the card")?;
        let edges = self.edges.of_the_card();
        if edges != cac::Edges::Piv && cac::certificates(&file, edges).is_empty() {
            bail!("the card has nothing for CAC applets: issue it with RSA keys");
        }
        let by_protocol = match self.protocol {
            Protocol::T0 => CardModel::T0,
            Protocol::T1 => CardModel::T1,
        };
        let by_protocol = CardModel {
            is_dual: self.dual,
            edges,
            ..by_protocol
        };
        let model = CardModel {
            hostility: self.hostile,
            speed: self.real_speed.then_some(Speed::CONTACT),
            ..self.model.unwrap_or(by_protocol)
        };
        let card = CardHandle::new(&file, model)?;
        let end = ends()?;
        let insertion = Insertion::new(&card, self.port)?;
        println!("inserted card {}", file.card_uuid());

        let reader_gone = end.sender;
        thread::spawn(move || {
            card.wait_until_out();
            reader_gone.send(End::ReaderGone).ok();
        });
        match end.receiver.recv()? {
            End::Asked => insertion.take_out(),
            End::ReaderGone => bail!("the reader is gone"),
        }
        println!("removed card {}", file.card_uuid());
        Ok(())
    }
}

struct Ends {
    sender: mpsc::Sender<End>,
    receiver: mpsc::Receiver<End>,
}

/// Listens for the end of standard input and for signals.
fn ends() -> anyhow::Result<Ends> {
    let (sender, receiver) = mpsc::channel();
    let input_closed = sender.clone();
    thread::spawn(move || {
        // An input that cannot be read is an input that has ended.
        io::copy(&mut io::stdin().lock().by_ref(), &mut io::sink()).ok();
        input_closed.send(End::Asked).ok();
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (mut terminate, mut interrupt) = {
        let _guard = runtime.enter();
        (
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        )
    };
    let signalled = sender.clone();
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        });
        signalled.send(End::Asked).ok();
    });
    Ok(Ends { sender, receiver })
}

impl Server {
    fn run(self) -> anyhow::Result<()> {
        let authority = authority_in(&self.ca)?;
        let names: Vec<_> = self.name.iter().map(String::as_str).collect();
        let server = authority.issue_server_certificate(&names, Validity::current(clock::now()))?;
        card_file::make_folder(&self.out)?;
        card_file::write(&self.out.join("server.crt"), server.chain_pem.as_bytes())?;
        card_file::write(&self.out.join("server.key"), server.key_pem.as_bytes())?;
        println!("issued a certificate for {}", self.name.join(", "));
        Ok(())
    }
}

fn authority_in(folder: &Path) -> anyhow::Result<Authority> {
    if Authority::is_in(folder) {
        return Authority::load(folder).context("cannot load the authority");
    }
    let authority = Authority::new(clock::now())?;
    authority
        .save(folder)
        .context("cannot save the authority")?;
    Ok(authority)
}
