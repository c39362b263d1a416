//! A card with a CAC edge in a folder.

use cac_tests::virtual_card::cac::{Edges, certificates};
use cac_tests::virtual_card::card_file::{CardFile, Slot};
use cac_tests::virtual_card::samples;
use cacd::card::transport::Protocol;
use der::Decode;
use x509_cert::Certificate;
use x509_cert::ext::pkix::{ExtendedKeyUsage, KeyUsage, KeyUsages};

use crate::bench::*;

#[test]
fn a_saved_card_comes_back_with_its_own_certificates() {
    for file in [samples::janes_cac(), samples::old_cac(), samples::john()] {
        let folder = tempfile::tempdir().unwrap();
        file.save(folder.path()).unwrap();

        let loaded = CardFile::load(folder.path()).unwrap();

        for edges in CAC_EDGES {
            let of = |file| {
                let found = certificates(file, edges);
                found
                    .iter()
                    .map(|found| (found.applet, found.certificate.to_vec()))
                    .collect::<Vec<_>>()
            };
            assert_eq!(of(&loaded), of(file), "{edges:?}");
        }
        if !certificates(file, Edges::Cac).is_empty() {
            let mut bench = Bench::with(&loaded, over(Edges::Cac, Protocol::T1));
            bench.select_pki(0);
            assert_eq!(bench.verify(RIGHT_PIN), 0x9000);
            let block = [0; 128].repeat(if std::ptr::eq(file, samples::old_cac()) {
                1
            } else {
                2
            });
            assert_eq!(bench.use_key(&block).1, 0x9000);
        }
    }
}

#[test]
fn a_folder_from_before_there_was_a_cac_edge_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    samples::john().save(folder.path()).unwrap();
    let index = folder.path().join("card.json");
    let text = std::fs::read_to_string(&index).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(value.as_object_mut().unwrap().remove("cac").is_some());
    std::fs::write(&index, value.to_string()).unwrap();

    let loaded = CardFile::load(folder.path()).unwrap();

    assert_eq!(
        loaded.certificate(Slot::Authentication),
        samples::john().certificate(Slot::Authentication)
    );
}

#[test]
fn the_id_certificate_signs_for_everything_and_names_no_purpose() {
    let file = samples::janes_cac();
    let certificate = Certificate::from_der(certificates(file, Edges::Cac)[0].certificate).unwrap();
    let body = certificate.tbs_certificate();

    let (_, usage) = body.get_extension::<KeyUsage>().unwrap().unwrap();
    let purposes = body.get_extension::<ExtendedKeyUsage>().unwrap();

    assert_eq!(
        usage.0,
        KeyUsages::DigitalSignature | KeyUsages::NonRepudiation
    );
    assert!(purposes.is_none());
    assert!(body.subject().to_string().contains("DOE.JANE.Q.1234567890"));
    assert!(body.issuer().to_string().contains("DOD ID CA-9901"));
}
