//! A client that wastes nothing reads three certificates in the number of
//! commands that is allowed to ours.

use cac_tests::virtual_card::cac::{Edges, certificates};
use cac_tests::virtual_card::samples;
use cacd::card::transport::Protocol;

use crate::bench::*;

#[test]
fn three_certificates_are_read_within_the_budget() {
    for (protocol, budget) in [(Protocol::T1, 50), (Protocol::T0, 80)] {
        let mut bench = jane(Edges::Cac, protocol);
        let quietly = |name: &[u8]| with_data([0, 0xA4, 4, 0x0C], name);

        bench.send(&quietly(CCC));
        let urls = bench.object();
        let applets: Vec<_> = urls
            .iter()
            .filter(|(tag, url)| *tag == 0xF3 && url[5] == 4)
            .map(|(_, url)| [&url[..5], &url[8..10]].concat())
            .collect();
        let read: Vec<_> = applets
            .iter()
            .map(|applet| {
                bench.send(&quietly(applet));
                element(&bench.object(), 0x70).to_vec()
            })
            .collect();

        let issued: Vec<_> = certificates(samples::janes_cac(), Edges::Cac)
            .iter()
            .map(|found| found.certificate.to_vec())
            .collect();
        assert_eq!(read, issued);
        for certificate in &read {
            let length = certificate.len();
            assert!(
                (1400..1700).contains(&length),
                "{length}: real ones have some 1600"
            );
        }
        let count = bench.card.log().count();
        assert!(count <= budget, "{count} commands over {protocol:?}");
        println!("three certificates: {count} commands over {protocol:?}");
    }
}
