use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::*;

const ROOT: &[u8] = include_bytes!("../../../../tests/data/openssl/root.der");
const AUTHORITY: &[u8] = include_bytes!("../../../../tests/data/openssl/authority.der");
const ARCHIVE: &[u8] = include_bytes!("../../../../tests/data/openssl/authorities.zip");
const DOD: &[u8] = include_bytes!("../../../../tests/data/dod/dod-ca-certs-2019.der.p7b");

#[test]
fn an_archive_by_info_zip_gives_each_certificate_once() {
    let mut found = ders(&read(ARCHIVE).unwrap());
    found.sort();

    let mut wanted = [ROOT.to_vec(), AUTHORITY.to_vec()];
    wanted.sort();
    assert_eq!(found, wanted);
}

#[test]
fn what_is_no_archive_is_read_as_it_is() {
    assert_eq!(ders(&read(ROOT).unwrap()), [ROOT]);
    assert_eq!(read(DOD).unwrap().len(), 42);
    assert_eq!(read(b""), Err(ArchiveFault::Bundle(BundleFault::Empty)));
}

#[test]
fn only_files_that_end_as_certificates_do_are_looked_at() {
    let archive = zip(&[
        Packed::new("all/notes.txt", b"no certificate"),
        Packed::new("certificates", b"nor this"),
        Packed::new("more.zip", ARCHIVE),
        Packed::new("../../etc/root.DER", ROOT),
    ]);

    assert_eq!(ders(&read(&archive).unwrap()), [ROOT]);
}

#[test]
fn a_comment_may_follow_the_last_record() {
    let comment = b"PK\x05\x06 is how the last record begins.";
    let mut archive = ARCHIVE[..ARCHIVE.len() - 2].to_vec();
    archive.extend(u16::try_from(comment.len()).unwrap().to_le_bytes());
    archive.extend(comment);

    assert_eq!(read(&archive).unwrap().len(), 2);
}

#[test]
fn what_unpacks_to_more_than_it_says_or_may_is_refused() {
    let large = vec![b' '; 5 << 20];
    let bomb = Packed::new("bomb.pem", &large);
    let lying = Packed {
        unpacked: 100,
        ..Packed::new("bomb.pem", &large)
    };
    let modest = vec![b' '; 3 << 20];
    let pem = [
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        &modest[..],
    ]
    .concat();
    let many = ["1", "2", "3", "4", "5", "6"].map(|name| Packed::new(&format!("{name}.pem"), &pem));

    let name = || "bomb.pem".to_owned();
    assert_eq!(
        read(&zip(&[bomb])),
        Err(ArchiveFault::TooLarge { name: name() })
    );
    assert_eq!(
        read(&zip(&[lying])),
        Err(ArchiveFault::DamagedFile { name: name() })
    );
    assert_eq!(
        read(&zip(&many)),
        Err(ArchiveFault::TooLarge {
            name: "6.pem".into()
        })
    );
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let good = || Packed::new("a.der", ROOT);
    let name = || "a.der".to_owned();
    let cut = Packed::new("a.der", &ROOT[..100]);
    let no_certificate = BundleFault::Certificate {
        number: 1,
        fault: crate::x509::NotACertificate::Malformed,
    };

    for (packed, fault) in [
        (
            Packed {
                flags: ENCRYPTED,
                ..good()
            },
            ArchiveFault::Encrypted { name: name() },
        ),
        (
            Packed {
                method: 14,
                ..good()
            },
            ArchiveFault::Method {
                name: name(),
                method: 14,
            },
        ),
        (
            Packed {
                checksum: 1,
                ..good()
            },
            ArchiveFault::DamagedFile { name: name() },
        ),
        (
            cut,
            ArchiveFault::File {
                name: name(),
                fault: no_certificate,
            },
        ),
        (Packed::new("a.txt", ROOT), ArchiveFault::Empty),
    ] {
        assert_eq!(read(&zip(&[packed])), Err(fault));
    }
}

#[test]
fn a_name_is_shown_as_plain_text() {
    let archive = zip(&[Packed::new("\x1b[2J\u{202e}.pem", b"-----BEGIN X")]);

    let Err(ArchiveFault::File { name, .. }) = read(&archive) else {
        panic!("it holds no PEM");
    };

    assert_eq!(name, "\u{fffd}[2J\u{fffd}.pem");
}

#[test]
fn no_archive_makes_it_panic_wherever_it_is_cut_or_changed() {
    for at in 0..ARCHIVE.len() {
        assert!(read(&ARCHIVE[..at]).is_err(), "{at}");
        for flip in [0x01, 0x80, 0xFF] {
            let mut changed = ARCHIVE.to_vec();
            changed[at] ^= flip;
            let _ = read(&changed);
        }
    }
}

/// A file as it is to stand in an archive, true or not.
struct Packed {
    name: String,
    content: Vec<u8>,
    flags: u16,
    method: u16,
    checksum: u32,
    unpacked: u32,
}

impl Packed {
    fn new(name: &str, content: &[u8]) -> Self {
        let mut checksum = Crc::new();
        checksum.update(content);
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(content).unwrap();
        Self {
            name: name.to_owned(),
            content: packer.finish().unwrap(),
            flags: 0,
            method: DEFLATED,
            checksum: checksum.sum(),
            unpacked: content.len().try_into().unwrap(),
        }
    }

    /// What stands in both headers.
    fn described(&self) -> Vec<u8> {
        let packed = u32::try_from(self.content.len()).unwrap();
        let name = u16::try_from(self.name.len()).unwrap();
        let mut bytes = 20_u16.to_le_bytes().to_vec();
        for number in [self.flags, self.method, 0, 0] {
            bytes.extend(number.to_le_bytes());
        }
        for number in [self.checksum, packed, self.unpacked] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(name.to_le_bytes());
        bytes.extend([0, 0]);
        bytes
    }
}

fn zip(files: &[Packed]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for file in files {
        let at = u32::try_from(archive.len()).unwrap();
        directory.extend(CENTRAL_HEADER);
        directory.extend(20_u16.to_le_bytes());
        directory.extend(file.described());
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(file.name.as_bytes());
        archive.extend(LOCAL_HEADER);
        archive.extend(file.described());
        archive.extend(file.name.as_bytes());
        archive.extend(&file.content);
    }
    let count = u16::try_from(files.len()).unwrap().to_le_bytes();
    let [size, start] = [&directory, &archive].map(|part| u32::try_from(part.len()).unwrap());
    archive.extend(&directory);
    archive.extend(END);
    archive.extend([0; 4]);
    archive.extend([count, count].concat());
    archive.extend(size.to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([0; 2]);
    archive
}

fn ders(certificates: &[Certificate]) -> Vec<Vec<u8>> {
    let ders = certificates.iter().map(Certificate::der);
    ders.map(<[u8]>::to_vec).collect()
}
