#!/bin/sh
# Makes the files beside this one anew, with OpenSSL 3: a root, an authority
# below it, a card's certificate, and what is said of it. Times are those of
# the run, so `NOW` in daemon/src/trust/tests/openssl.rs changes with them.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/extensions" <<'END'
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, digitalSignature, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
certificatePolicies = 2.16.840.1.101.2.1.11.42, 2.16.840.1.101.3.2.1.3.13, 2.16.840.1.101.3.2.1.3.39
policyConstraints = requireExplicitPolicy:0
[card]
keyUsage = critical, digitalSignature
authorityKeyIdentifier = keyid
certificatePolicies = 2.16.840.1.101.2.1.11.42, 2.16.840.1.101.3.2.1.3.13
authorityInfoAccess = OCSP;URI:http://ocsp.example/
crlDistributionPoints = URI:http://crl.example/authority.crl
[responder]
keyUsage = critical, digitalSignature
extendedKeyUsage = OCSPSigning
noCheck = ignored
authorityKeyIdentifier = keyid
[signer]
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, 2.16.840.1.101.3.6.7
certificatePolicies = 2.16.840.1.101.3.2.1.3.39
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
END

cat > "$work/ca.cnf" <<END
[ca]
default_ca = authority
[authority]
database = $work/index
certificate = $work/authority.pem
private_key = $work/authority.key
default_md = sha256
default_crl_days = 7
END
: > "$work/index"

# name, issuer, serial, common name, kind of key
issue() {
    openssl genpkey -quiet -algorithm RSA -pkeyopt "rsa_keygen_bits:$5" -out "$work/$1.key"
    openssl req -new -key "$work/$1.key" -subj "/C=US/O=Fictional Test Government/CN=$4" \
        -out "$work/$1.csr"
    signer="-CA $work/$2.pem -CAkey $work/$2.key"
    test "$1" != "$2" || signer="-key $work/$1.key"
    # shellcheck disable=SC2086
    openssl x509 -req -in "$work/$1.csr" $signer -set_serial "$3" -days 3650 -sha384 \
        -extfile "$work/extensions" -extensions "$1" -out "$work/$1.pem"
    openssl x509 -in "$work/$1.pem" -outform DER -out "$1.der"
}

issue root root 1 "Test Root 1" 3072
issue authority root 2 "Test Authority 1" 2048
issue card authority 0xF0E1D2C3B4A59687 "DOE.JANE.Q.1234567890" 2048
issue responder authority 4 "Test Responder 1" 2048
issue signer authority 5 "Test Content Signer 1" 2048
rm responder.der

printf 'V\t360101000000Z\t\tF0E1D2C3B4A59687\tunknown\t/C=US/O=Fictional Test Government/CN=DOE.JANE.Q.1234567890\n' > "$work/index"
ocsp() {
    openssl ocsp -index "$work/index" -CA "$work/authority.pem" -rsigner "$work/responder.pem" \
        -rkey "$work/responder.key" -issuer "$work/authority.pem" -cert "$work/card.pem" \
        -no_nonce -ndays 7 -respout "$1"
}
ocsp good.ocsp
openssl ca -config "$work/ca.cnf" -gencrl -out "$work/empty.pem"
openssl crl -in "$work/empty.pem" -outform DER -out empty.crl

openssl ca -config "$work/ca.cnf" -revoke "$work/card.pem" -crl_reason keyCompromise
ocsp revoked.ocsp
openssl ca -config "$work/ca.cnf" -gencrl -out "$work/revoked.pem"
openssl crl -in "$work/revoked.pem" -outform DER -out revoked.crl

printf 'what a card says of itself' > content
sign() {
    openssl cms -sign -binary -in content -signer "$work/signer.pem" -inkey "$work/signer.key" \
        -outform DER "$@"
}
sign -md sha256 -econtent_type 2.16.840.1.101.3.6.1 -out detached.cms
sign -md sha512 -econtent_type 2.23.136.1.1.1 -nodetach -nocerts -keyid -out attached.cms
sign -md sha1 -econtent_type 2.16.840.1.101.3.6.1 -out sha1.cms

# As authorities give theirs away; by way of a pipe, which puts the sizes after
# the files.
mkdir -p "$work/archive/authorities_v1"
for name in root authority; do
    openssl x509 -inform DER -in "$name.der" -out "$work/$name.pem"
done
openssl crl2pkcs7 -nocrl -certfile "$work/root.pem" -certfile "$work/authority.pem" \
    -outform DER -out "$work/archive/authorities_v1/authorities_v1.der.p7b"
cp "$work/root.pem" "$work/archive/authorities_v1/Root.CER"
echo "Compare these with what was published." > "$work/archive/authorities_v1/README.txt"
(cd "$work/archive" && zip -qrX - authorities_v1) | cat > authorities.zip
