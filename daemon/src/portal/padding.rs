//! What an RSA key is given to sign: the padded blocks of RFC 8017.
//!
//! A card does the raw private-key operation only, so the padding is done here.

use aws_lc_rs::digest;

/// The hash functions that TLS signs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// The modulus has no room for the padding.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an RSA modulus of {bits} bits is too short for {hash:?}")]
pub(super) struct ModulusTooShort {
    bits: usize,
    hash: Hash,
}

impl Hash {
    pub(super) fn of(self, message: &[u8]) -> digest::Digest {
        digest::digest(self.algorithm(), message)
    }

    pub(super) fn len(self) -> usize {
        self.algorithm().output_len()
    }

    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }

    /// The DER of a `DigestInfo` up to the digest itself (RFC 8017, 9.2, note 1).
    fn digest_info(self) -> [u8; 19] {
        // Told apart by the lengths and by the last arc of the hash's OID.
        let (whole, arc, digest) = match self {
            Self::Sha256 => (0x31, 1, 0x20),
            Self::Sha384 => (0x41, 2, 0x30),
            Self::Sha512 => (0x51, 3, 0x40),
        };
        [
            0x30, whole, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
            arc, 0x05, 0x00, 0x04, digest,
        ]
    }
}

/// EMSA-PKCS1-v1_5 (RFC 8017, 9.2): a block as long as the modulus.
pub(super) fn pkcs1_v15(
    hash: Hash,
    message: &[u8],
    modulus_bits: usize,
) -> Result<Vec<u8>, ModulusTooShort> {
    let digest = hash.of(message);
    let digest_info = hash.digest_info();
    let filling = modulus_bits
        .div_ceil(8)
        .checked_sub(3 + digest_info.len() + hash.len())
        .filter(|filling| *filling >= 8)
        .ok_or(ModulusTooShort {
            bits: modulus_bits,
            hash,
        })?;

    let mut block = vec![0x00, 0x01];
    block.resize(2 + filling, 0xFF);
    block.push(0x00);
    block.extend_from_slice(&digest_info);
    block.extend_from_slice(digest.as_ref());
    Ok(block)
}

/// EMSA-PSS (RFC 8017, 9.1.1) with MGF1 and the same hash throughout: a block
/// as long as the modulus. TLS wants a salt as long as the hash (RFC 8446, 4.2.3).
pub(super) fn pss(
    hash: Hash,
    message: &[u8],
    salt: &[u8],
    modulus_bits: usize,
) -> Result<Vec<u8>, ModulusTooShort> {
    let too_short = || ModulusTooShort {
        bits: modulus_bits,
        hash,
    };
    let bits = modulus_bits.checked_sub(1).ok_or_else(too_short)?;
    let length = bits.div_ceil(8);
    let masked = length.checked_sub(hash.len() + 1).ok_or_else(too_short)?;
    let zeros = masked.checked_sub(salt.len() + 1).ok_or_else(too_short)?;

    let digest = hash.of(message);
    let salted = hash.of(&[&[0; 8], digest.as_ref(), salt].concat());

    let mut block = vec![0x00; zeros];
    block.push(0x01);
    block.extend_from_slice(salt);
    for (byte, mask) in block.iter_mut().zip(mask(hash, salted.as_ref(), masked)) {
        *byte ^= mask;
    }
    // The bits by which whole bytes are more than the length in bits.
    block[0] &= 0xFF >> (8 * length - bits);
    block.extend_from_slice(salted.as_ref());
    block.push(0xBC);

    // One byte shorter than the modulus where that begins with a lone bit.
    let missing = modulus_bits.div_ceil(8) - length;
    block.splice(0..0, std::iter::repeat_n(0x00, missing));
    Ok(block)
}

/// MGF1 (RFC 8017, B.2.1).
fn mask(hash: Hash, seed: &[u8], length: usize) -> Vec<u8> {
    (0u32..)
        .flat_map(|counter| {
            let block = hash.of(&[seed, &counter.to_be_bytes()].concat());
            block.as_ref().to_vec()
        })
        .take(length)
        .collect()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{self, KeyPair, RsaKeyPair, RsaParameters, UnparsedPublicKey};
    use rsa::BigUint;
    use rsa::pkcs8::DecodePrivateKey;
    use rsa::traits::{PrivateKeyParts, PublicKeyParts};

    use super::*;

    const MESSAGE: &[u8] = b"what the handshake said so far";

    #[test]
    fn a_signature_over_either_padding_verifies_elsewhere() {
        for size in [KeySize::Rsa2048, KeySize::Rsa3072] {
            let key = RsaKeyPair::generate(size).unwrap();
            let bits = size.len() * 8;
            for (hash, with_pkcs1, with_pss) in [
                (
                    Hash::Sha256,
                    &signature::RSA_PKCS1_2048_8192_SHA256,
                    &signature::RSA_PSS_2048_8192_SHA256,
                ),
                (
                    Hash::Sha384,
                    &signature::RSA_PKCS1_2048_8192_SHA384,
                    &signature::RSA_PSS_2048_8192_SHA384,
                ),
                (
                    Hash::Sha512,
                    &signature::RSA_PKCS1_2048_8192_SHA512,
                    &signature::RSA_PSS_2048_8192_SHA512,
                ),
            ] {
                let salt = vec![0x5A; hash.len()];

                let pkcs1 = pkcs1_v15(hash, MESSAGE, bits).unwrap();
                let pss = pss(hash, MESSAGE, &salt, bits).unwrap();

                verify(&key, with_pkcs1, &pkcs1);
                verify(&key, with_pss, &pss);
            }
        }
    }

    #[test]
    fn a_block_is_as_long_as_the_modulus_whatever_its_bits() {
        for bits in 1020..1040 {
            let pss = pss(Hash::Sha256, MESSAGE, &[1; 32], bits).unwrap();
            let pkcs1 = pkcs1_v15(Hash::Sha256, MESSAGE, bits).unwrap();

            assert_eq!(pss.len(), bits.div_ceil(8), "{bits}");
            assert_eq!(pkcs1.len(), bits.div_ceil(8), "{bits}");
            // Smaller than any modulus of that many bits.
            assert!(BigUint::from_bytes_be(&pss).bits() < bits, "{bits}");
        }
    }

    #[test]
    fn a_modulus_too_short_is_an_error() {
        for bits in [0, 1, 8, 511, 513] {
            assert!(pkcs1_v15(Hash::Sha512, MESSAGE, bits).is_err(), "{bits}");
            assert!(
                pss(Hash::Sha512, MESSAGE, &[0; 64], bits).is_err(),
                "{bits}"
            );
        }
    }

    fn verify(key: &RsaKeyPair, parameters: &'static RsaParameters, block: &[u8]) {
        let pkcs8 = key.as_der().unwrap();
        let private = rsa::RsaPrivateKey::from_pkcs8_der(pkcs8.as_ref()).unwrap();
        let signature = BigUint::from_bytes_be(block).modpow(private.d(), private.n());
        let mut bytes = signature.to_bytes_be();
        bytes.splice(0..0, std::iter::repeat_n(0, block.len() - bytes.len()));

        UnparsedPublicKey::new(parameters, key.public_key().as_ref())
            .verify(MESSAGE, &bytes)
            .unwrap();
    }
}
