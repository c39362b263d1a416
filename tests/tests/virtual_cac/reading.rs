//! Objects: how they are found, and how they are read.

use cac_tests::virtual_card::cac::{CacHabits, CertificateForm, Edges, certificates};
use cac_tests::virtual_card::{CardModel, samples};
use cacd::card::transport::Protocol;
use flate2::read::GzDecoder;

use crate::bench::*;

#[test]
fn every_certificate_is_in_its_applet() {
    for (edges, protocol) in over_both(&[Edges::Cac, Edges::Dual, Edges::Alt, Edges::Bare]) {
        let mut bench = jane(edges, protocol);
        let issued = certificates(samples::janes_cac(), edges);
        assert_eq!(issued.len(), if edges == Edges::Alt { 1 } else { 3 });
        for found in issued {
            assert_eq!(bench.select_pki(found.applet), 0x9000);

            let object = bench.object();

            let tags: Vec<u8> = object.iter().map(|(tag, _)| *tag).collect();
            assert_eq!(tags, [0x71, 0x70, 0x72, 0xFE], "{edges:?}");
            assert_eq!(element(&object, 0x71), [0]);
            assert_eq!(element(&object, 0x70), found.certificate);
            assert_eq!(element(&object, 0x72).len(), 38);
        }
    }
}

#[test]
fn the_three_certificates_of_a_cac_are_three() {
    let file = samples::janes_cac();
    let mut all: Vec<_> = certificates(file, Edges::Cac)
        .iter()
        .map(|found| found.certificate)
        .collect();
    let of_the_token = certificates(file, Edges::Alt);
    all.push(of_the_token[0].certificate);

    all.sort_unstable();
    all.dedup();

    assert_eq!(all.len(), 4);
}

#[test]
fn a_buffer_begins_with_its_length_and_can_be_read_from_anywhere() {
    let mut bench = jane(Edges::Cac, Protocol::T1);
    bench.select_pki(0);
    let values = bench.buffer(VALUES);
    let length = u16::try_from(values.len()).unwrap();

    assert_eq!(bench.read(VALUES, 0, 2).0, length.to_le_bytes());
    assert_eq!(bench.read(VALUES, 0, 255).0[2..], values[..253]);
    assert_eq!(bench.read(VALUES, 700, 3).0, values[698..701]);
    assert_eq!(
        bench.read(VALUES, length + 1, 1).0,
        values[values.len() - 1..]
    );
}

#[test]
fn a_read_past_the_end_is_refused_whole() {
    for protocol in PROTOCOLS {
        let mut bench = jane(Edges::Cac, protocol);
        bench.select_pki(0);
        let length = u16::try_from(bench.buffer(VALUES).len()).unwrap();

        assert_eq!(bench.read(VALUES, length, 3), (Vec::new(), 0x6A86));
        assert_eq!(bench.read(VALUES, length + 2, 1), (Vec::new(), 0x6A86));
        assert_eq!(bench.read(VALUES, 0xFFFF, 255), (Vec::new(), 0x6A86));
        assert_eq!(bench.read(TAGS, 0, 255), (Vec::new(), 0x6A86));
    }
}

#[test]
fn a_read_is_asked_for_with_type_and_count() {
    let mut bench = jane(Edges::Cac, Protocol::T1);
    bench.select_pki(0);
    let read = |data: &[u8]| with_data([0x80, 0x52, 0, 0], data);

    assert_eq!(bench.status(&read(&[1, 0])), 0x6A80);
    assert_eq!(bench.status(&read(&[0, 2])), 0x6A80);
    assert_eq!(bench.status(&read(&[3, 2])), 0x6A80);
    assert_eq!(bench.status(&read(&[1])), 0x6700);
    assert_eq!(bench.status(&read(&[1, 2, 0])), 0x6700);
    assert_eq!(bench.status(&[0x80, 0x52, 0, 0, 2]), 0x6700);
}

#[test]
fn t0_gives_no_data_before_it_is_fetched() {
    let mut bench = jane(Edges::Cac, Protocol::T0);
    bench.select_pki(0);
    let read = with_data([0x80, 0x52, 0, 0], &[TAGS, 2]);

    assert_eq!(bench.send(&read), (Vec::new(), 0x6102));
    assert_eq!(bench.send(&[0, 0xC0, 0, 0, 8]), (Vec::new(), 0x6C02));
    assert_eq!(bench.send(&[0, 0xC0, 0, 0, 2]).1, 0x9000);
    assert_eq!(bench.status(&[0, 0xC0, 0, 0, 2]), 0x6985, "fetched already");
    assert_eq!(
        bench.status(&[read, vec![0]].concat()),
        0x6700,
        "two lengths"
    );
}

#[test]
fn any_other_command_abandons_the_rest_of_an_answer() {
    for protocol in PROTOCOLS {
        let mut bench = jane(Edges::Dual, protocol);
        bench.select_pki(0);
        let read = with_data([0x80, 0x52, 0, 0], &[VALUES, 200]);

        assert_eq!(bench.status(&read), 0x61C8);
        bench.tries();
        assert_eq!(bench.status(&[0, 0xC0, 0, 0, 0xC8]), 0x6985);

        assert_eq!(bench.status(&read), 0x61C8);
        bench.select(PIV);
        assert_eq!(bench.status(&[0, 0xC0, 0, 0, 0xC8]), 0x6985);
    }
}

#[test]
fn the_ccc_names_the_card_and_more_objects_than_there_are() {
    for protocol in PROTOCOLS {
        let mut bench = jane(Edges::Cac, protocol);
        bench.select(CCC);

        let object = bench.object();

        let identifier = element(&object, 0xF0);
        assert_eq!(identifier.len(), 21);
        assert_eq!(identifier[..7], [0xA0, 0, 0, 0, 0x79, 0x50, 0x02]);
        let urls: Vec<_> = object
            .iter()
            .filter(|(tag, _)| *tag == 0xF3)
            .map(|(_, url)| url.clone())
            .collect();
        let url = |kind, id: [u8; 2]| {
            let [high, low] = id;
            vec![
                0xA0, 0, 0, 0, 0x79, kind, high, low, high, low, 0, 0, 0, 0, 0, 0,
            ]
        };
        assert_eq!(
            urls,
            [
                url(1, [2, 0xFB]),
                url(1, [2, 0xFE]),
                url(1, [2, 0xFD]),
                url(1, [2, 0]),
                url(1, [2, 1]),
                url(4, [1, 0]),
                url(4, [1, 1]),
                url(4, [1, 2])
            ]
        );
        for (number, url) in urls.iter().enumerate() {
            let applet = bench.select(&[&url[..5], &url[8..10]].concat());
            let object = bench.status(&with_data([0, 0xA4, 2, 0], &url[6..8]));

            let expected = if number < 3 { 0x6A82 } else { 0x9000 };
            assert_eq!((applet, object), (expected, expected));
        }
    }
}

#[test]
fn properties_tell_object_buffers_and_key() {
    for protocol in PROTOCOLS {
        let mut bench = jane(Edges::Cac, protocol);
        bench.select_pki(1);
        let [tags, values] = [TAGS, VALUES].map(|kind| {
            let length = bench.buffer(kind).len() + 2;
            u16::try_from(length).unwrap().to_le_bytes()
        });

        let (properties, sw) = bench.ask(GET_PROPERTIES, &[]);

        let expected = [
            &[
                1, 5, 0x10, 2, 6, 2, 3, 0x40, 1, 1, 0x51, 0x11, 0x41, 2, 1, 1,
            ][..],
            &[0x42, 5, 0],
            &tags,
            &values,
            &[0x43, 4, 0x07, 0x20, 1, 1],
        ]
        .concat();
        assert_eq!((properties, sw), (expected, 0x9000), "{protocol:?}");
    }
}

#[test]
fn properties_of_other_applets_name_no_key() {
    let mut bench = jane(Edges::Cac, Protocol::T1);

    bench.select(PERSON);
    let person = bench.ask(GET_PROPERTIES, &[]).0;
    bench.select(ACA);
    let control = bench.ask(GET_PROPERTIES, &[]).0;

    assert_eq!(person[7..16], [0x40, 1, 1, 0x50, 0x0B, 0x41, 2, 2, 0]);
    assert_eq!(person.len(), 7 + 3 + 13);
    assert_eq!(control, [1, 5, 0x10, 2, 6, 2, 3]);
}

#[test]
fn t0_takes_the_exact_length_for_an_answer_only() {
    let mut bench = jane(Edges::Cac, Protocol::T0);
    bench.select(ACA);

    assert_eq!(bench.send(&[0x80, 0x56, 1, 0, 0]), (Vec::new(), 0x6C07));
    assert_eq!(bench.send(&[0x80, 0x56, 1, 0, 0xFF]), (Vec::new(), 0x6C07));
    assert_eq!(bench.send(&[0x80, 0x56, 1, 0, 7]).0.len(), 7);
    let (head, sw) = bench.send(&[0x80, 0x56, 1, 0, 4]);
    assert_eq!((head.len(), sw), (4, 0x6103));
}

#[test]
fn properties_are_not_for_every_card_nor_for_other_parameters() {
    for edges in [Edges::Bare, Edges::Cac1] {
        let mut bench = jane(edges, Protocol::T1);
        bench.select_pki(0);
        assert_eq!(bench.ask(GET_PROPERTIES, &[]).1, 0x6D00, "{edges:?}");
    }
    let mut bench = jane(Edges::Cac, Protocol::T1);
    bench.select_pki(0);
    assert_eq!(bench.status(&[0x80, 0x56, 0, 0, 0]), 0x6A86);
    assert_eq!(bench.status(&[0x80, 0x56, 1, 1, 0]), 0x6A86);
    assert_eq!(bench.status(&[0x80, 0x56, 1, 0, 1, 0x43, 0]), 0x6700);
}

#[test]
fn the_service_table_names_the_applets() {
    for protocol in PROTOCOLS {
        let mut bench = jane(Edges::Alt, protocol);
        bench.select(ACA);

        let (table, sw) = bench.ask(GET_SERVICES, &[]);

        let entry = |number, name: &[u8]| [&[0x93, 10, number, 0x92, 7][..], name].concat();
        let expected = [
            vec![1, 5, 0x10, 2, 6, 2, 3, 0x94, 1, 2],
            entry(0, ACA),
            entry(1, &pki(3)),
        ]
        .concat();
        assert_eq!((table, sw), (expected, 0x9000));
    }
}

#[test]
fn the_other_tables_of_the_aca_are_not_kept() {
    let mut bench = jane(Edges::Alt, Protocol::T1);
    bench.select(ACA);

    for table in [0x00, 0x10, 0x20] {
        assert_eq!(bench.status(&[0x80, 0x4C, table, 0, 0]), 0x6A88);
    }
    assert_eq!(bench.status(&[0x80, 0x4C, 0x22, 0, 0]), 0x6A86);
    assert_eq!(bench.status(&[0x80, 0x4C, 0x21, 1, 0]), 0x6A86);
    bench.select_pki(3);
    assert_eq!(bench.ask(GET_SERVICES, &[]).1, 0x6D00, "not the ACA");
}

#[test]
fn a_challenge_is_eight_bytes_and_never_the_same() {
    for protocol in PROTOCOLS {
        let mut bench = jane(Edges::Cac, protocol);
        bench.select_pki(0);

        let (one, sw) = bench.send(&[0x00, 0x84, 0, 0, 8]);
        let (other, _) = bench.send(&[0x80, 0x84, 0, 0, 8]);

        assert_eq!((one.len(), other.len(), sw), (8, 8, 0x9000));
        assert_ne!(one, other);
        assert_eq!(bench.status(&[0, 0x84, 0, 0, 4]), 0x6700);
        assert_eq!(bench.status(&[0, 0x84, 1, 0, 8]), 0x6A86);
        bench.select(CCC);
        assert_eq!(bench.status(&[0, 0x84, 0, 0, 8]), 0x6D00);
    }
}

#[test]
fn the_holder_is_told_without_a_certificate() {
    for protocol in PROTOCOLS {
        let mut bench = jane(Edges::Cac, protocol);

        bench.select(PERSON);
        let person = bench.object();
        bench.select(PERSONNEL);
        let personnel = bench.object();

        assert_eq!(element(&person, 0x01), b"JANE");
        assert_eq!(element(&person, 0x02), b"Q");
        assert_eq!(element(&person, 0x03), b"DOE");
        assert_eq!(element(&person, 0x17), b"1234567890");
        assert_eq!(element(&person, 0x63).len(), 8);
        assert_eq!(element(&personnel, 0x24), b"F");
        assert_eq!(element(&personnel, 0x34), b"A");
    }
}

#[test]
fn the_access_control_applet_has_nothing_to_read() {
    let mut bench = jane(Edges::Cac, Protocol::T1);
    bench.select(ACA);

    assert_eq!(bench.read(TAGS, 0, 2).1, 0x6D00);
}

#[test]
fn a_certificate_may_be_compressed() {
    let habit = CacHabits {
        certificates: CertificateForm::Gzip,
        ..CacHabits::USUAL
    };
    for edges in [Edges::Cac, Edges::Bare, Edges::Cac1] {
        let mut bench = jane_with(edges, Protocol::T1, habit);
        let found = &certificates(samples::janes_cac(), edges)[0];
        bench.select_pki(found.applet);

        let (info, compressed) = if edges == Edges::Cac1 {
            let mut all = bench.get_certificate();
            (all.remove(0), all)
        } else {
            let object = bench.object();
            (element(&object, 0x71)[0], element(&object, 0x70).to_vec())
        };

        assert_eq!((info, &compressed[..2]), (1, &[0x1F, 0x8B][..]));
        let mut plain = Vec::new();
        std::io::Read::read_to_end(&mut GzDecoder::new(&compressed[..]), &mut plain).unwrap();
        assert_eq!(plain, found.certificate);
    }
}

#[test]
fn an_object_may_be_in_one_piece() {
    let habit = CacHabits {
        certificates: CertificateForm::NotSimpleTlv,
        ..CacHabits::USUAL
    };
    let mut bench = jane_with(Edges::Cac, Protocol::T1, habit);
    let issued = certificates(samples::janes_cac(), Edges::Cac);
    bench.select_pki(0);

    let properties = bench.ask(GET_PROPERTIES, &[]).0;
    let (tags, values) = (bench.buffer(TAGS), bench.buffer(VALUES));

    assert_eq!(properties[16..21], [0x42, 5, 1, 2, 0]);
    assert!(tags.is_empty());
    assert_eq!(values[..2], [0x70, 0x82]);
    let (whole, rest) = values[4..].split_at(issued[0].certificate.len());
    assert_eq!(
        (whole, rest),
        (issued[0].certificate, &[0x71, 1, 0, 0xFE, 0][..])
    );
}

#[test]
fn the_ccc_may_point_at_itself() {
    let model = CardModel {
        cac: CacHabits {
            ccc_is_a_circle: true,
            ..CacHabits::USUAL
        },
        ..over(Edges::Cac, Protocol::T1)
    };
    let mut bench = Bench::with(samples::janes_cac(), model);
    bench.select(CCC);

    let object = bench.object();

    let next = element(&object, 0xFD);
    assert_eq!([&next[..5], &next[8..10]].concat(), CCC);
    assert_eq!(bench.select(CCC), 0x9000);
    assert_eq!(
        bench.status(&with_data([0, 0xA4, 2, 0], &next[6..8])),
        0x9000
    );
    assert_eq!(bench.object(), object);
}

#[test]
fn the_facts_about_the_holder_may_take_the_pin() {
    let habit = CacHabits {
        guards_person: true,
        ..CacHabits::USUAL
    };
    let mut bench = jane_with(Edges::Cac, Protocol::T1, habit);
    for name in [PERSON, PERSONNEL] {
        bench.select(name);
        assert_eq!(bench.read(TAGS, 0, 2).1, 0x6982);

        bench.verify(RIGHT_PIN);

        assert_eq!(bench.read(TAGS, 0, 2).1, 0x9000);
    }
    bench.select(CCC);
    assert_eq!(bench.read(TAGS, 0, 2).1, 0x9000);
}
