//! Makes the seeds of the fuzz targets anew: `make fuzz-seeds`.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use cac_tests::fuzz::{TARGETS, seeds};

fn main() -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let seeds = seeds::make().context("no seeds can be made")?;
    for target in TARGETS {
        let own = folder.join(target.name);
        if own.exists() {
            fs::remove_dir_all(&own)?;
        }
        fs::create_dir_all(&own)?;
        for seed in seeds.iter().filter(|seed| seed.target == target.name) {
            fs::write(own.join(seed.name), &seed.bytes)?;
            println!("{}/{}: {} bytes", target.name, seed.name, seed.bytes.len());
        }
    }
    Ok(())
}
