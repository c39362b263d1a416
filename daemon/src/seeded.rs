//! Properties that are tried from a seed, which is printed.

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

const SEED_VARIABLE: &str = "CACD_TEST_SEED";

/// Tries as many cases, from the seed in the environment or another each time.
pub(crate) fn runner(cases: u32) -> TestRunner {
    let seed = std::env::var(SEED_VARIABLE).map_or_else(
        |_| {
            let mut seed = [0; 8];
            aws_lc_rs::rand::fill(&mut seed).unwrap();
            u64::from_le_bytes(seed)
        },
        |seed| seed.parse().unwrap(),
    );
    println!("{SEED_VARIABLE}={seed}");
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed.to_le_bytes().repeat(4));
    TestRunner::new_with_rng(config, rng)
}
