"""What a key bundle says beyond the key itself: a TPM's attest of it, and certificates. Part of the bundle verifier."""

import base64
import hashlib
import re

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

KEY_CHECKS = [
    ("attest", "a TPM's attest certifies a key"),
    ("certified", "that key is the one that signs here"),
    ("attributes", "both keys were made in a TPM and cannot leave it, by their attributes"),
    ("attester", "the attest is signed by another key, kept for attests alone"),
    ("certificate", "the certificate is that of the attestation key of this gateway"),
    ("roots", "certificates lead from it to a root that you named"),
    ("endorsement", "the TPM's endorsement certificate is the one that was seen at enrolment"),
    ("hardware", "the key was made in a TPM and cannot leave it"),
]
# All that a key in a TPM hangs on.
SHOWN_BY = "key signature attest certified attributes attester certificate roots".split()
SOFTWARE = "key: software, not hardware"
# fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA, sign; the attestation key is restricted besides.
EVIDENCE_KEY, ATTESTATION_KEY = 0x00040472, 0x00050472
ENDORSEMENT_HIERARCHY = bytes.fromhex("4000000b")
ATTESTATION_USAGE = "2.23.133.8.3"  # tcg-kp-AIKCertificate
SOFTWARE_UNIT = "software-tpm"
CHAIN_MAX = 8
P256_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")


class Fields:
    """Big-endian fields of a TPM structure; ValueError for whatever is not there."""

    def __init__(self, content):
        self.content, self.at = content, 0

    def take(self, length):
        if self.at + length > len(self.content):
            raise ValueError("short")
        self.at += length
        return self.content[self.at - length : self.at]

    def number(self, width):
        return int.from_bytes(self.take(width), "big")

    def sized(self, most, least=0):
        length = self.number(2)
        if not least <= length <= most:
            raise ValueError("size")
        return self.take(length)

    def expect(self, wanted):
        if self.take(len(wanted)) != wanted:
            raise ValueError("value")

    def end(self):
        if self.at != len(self.content):
            raise ValueError("trailing")


def read_certify(content):
    """TPMS_ATTEST of TPM2_Certify: the certified Name and the signer's qualified Name; None: it is none."""
    fields = Fields(content)
    try:
        fields.expect(bytes.fromhex("ff5443478017"))
        signer = fields.sized(34, 34)
        fields.sized(66)
        fields.take(16)
        if fields.number(1) > 1:
            return None
        fields.take(8)
        name = fields.sized(34, 34)
        fields.sized(34, 34)
        fields.end()
    except ValueError:
        return None
    return name, signer


def read_area(content):
    """TPMT_PUBLIC of a P-256 key: whether it signs, attributes, policy and SPKI; None: it is no such key."""
    fields = Fields(content)
    try:
        fields.expect(bytes.fromhex("0023000b"))
        attributes = fields.number(4)
        policy = fields.sized(32)
        if len(policy) not in (0, 32):
            return None
        symmetric = fields.number(2)
        if symmetric not in (0x0010, 0x0006):
            return None
        signs = symmetric == 0x0010
        # ECDSA with SHA-256, or 128 bits of AES-CFB and no scheme; then P-256 and no KDF.
        fields.expect(bytes.fromhex("0018000b" if signs else "008000430010"))
        fields.expect(bytes.fromhex("00030010"))
        x, y = fields.sized(32, 1), fields.sized(32, 1)
        fields.end()
    except ValueError:
        return None
    return signs, attributes, policy, P256_PREFIX + x.rjust(32, b"\0") + y.rjust(32, b"\0")


def name_of(area):
    return b"\x00\x0b" + hashlib.sha256(area).digest()


def der_integer(content):
    digits = content.lstrip(b"\0") or b"\0"
    digits = b"\0" + digits if digits[0] >= 0x80 else digits
    return bytes([2, len(digits)]) + digits


def verify_es256(spki, content, signature):
    """r || s of 64 bytes by a P-256 key."""
    try:
        key = serialization.load_der_public_key(spki)
        if len(signature) != 64 or not isinstance(key, ec.EllipticCurvePublicKey):
            return False
        if not isinstance(key.curve, ec.SECP256R1):
            return False
        numbers = der_integer(signature[:32]) + der_integer(signature[32:])
        key.verify(bytes([0x30, len(numbers)]) + numbers, content, ec.ECDSA(hashes.SHA256()))
        return True
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False


def read_roots(content):
    """Root certificates of a PEM file; None: it holds none."""
    roots = []
    for block in re.findall(rb"-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----", content):
        roots.append(read_certificate(base64.b64decode(block)))
        if roots[-1] is None:
            raise ValueError("it holds a certificate that cannot be read")
    return roots or None


def read_certificate(der):
    try:
        certificate = x509.load_der_x509_certificate(der)
        spki_of(certificate)
        certificate.subject, certificate.issuer, certificate.extensions
        # The signature covers none of these: the same algorithm outside as inside, and no spare bits.
        tbs, end = certificate.tbs_certificate_bytes, b"\0" + certificate.signature
        outside = der[der.index(tbs) + len(tbs) :]
        same = tbs.count(outside[: 2 + outside[1]]) > 0 and der.endswith(end)
        return certificate if same else None
    except Exception:  # whatever the library stumbles over is no certificate
        return None


def spki_of(certificate):
    der, info = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return certificate.public_key().public_bytes(der, info)


def extension(certificate, kind):
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def only(certificate, oid):
    found = certificate.subject.get_attributes_for_oid(oid)
    return found[0].value if len(found) == 1 else None


# ECDSA and RSA PKCS #1 v1.5, with SHA-256 or longer.
SIGNATURES = {f"1.2.840.{form}" for form in
              ("10045.4.3.2", "10045.4.3.3", "10045.4.3.4", "113549.1.1.11", "113549.1.1.12", "113549.1.1.13")}


def is_linked(certificate, issuer):
    """Issued by it, while it was valid: no clock is asked, the same evidence is judged alike at any time."""
    basic, usage = extension(issuer, x509.BasicConstraints), extension(issuer, x509.KeyUsage)
    if basic is None or not basic.ca or usage is not None and not usage.key_cert_sign:
        return False
    named, own = extension(certificate, x509.AuthorityKeyIdentifier), extension(issuer, x509.SubjectKeyIdentifier)
    if named is not None and own is not None and named.key_identifier not in (None, own.digest):
        return False
    if certificate.issuer != issuer.subject:
        return False
    if not issuer.not_valid_before <= certificate.not_valid_before <= issuer.not_valid_after:
        return False
    key, signed = issuer.public_key(), (certificate.signature, certificate.tbs_certificate_bytes)
    if certificate.signature_algorithm_oid.dotted_string not in SIGNATURES:
        return False
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(*signed, ec.ECDSA(certificate.signature_hash_algorithm))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(*signed, padding.PKCS1v15(), certificate.signature_hash_algorithm)
        else:
            return False
        return True
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False


def find_break(chain):
    if len(chain) > CHAIN_MAX:
        return f"there are more than {CHAIN_MAX} certificates"
    read = [read_certificate(der) for der in chain]
    for at, certificate in enumerate(read):
        if certificate is None:
            return f"certificate {at + 1} cannot be read"
        issuer = read[at + 1] if at + 1 < len(read) else None
        if at + 1 < len(read) and (issuer is None or not is_linked(certificate, issuer)):
            return f"certificate {at + 1} is not issued by certificate {at + 2}"
    return None


def find_no_root(chain, roots):
    if not chain:
        return "there is no certificate that could lead to one"
    last = read_certificate(chain[-1])
    leads = any(last == root or is_linked(last, root) for root in roots)
    return None if leads else "they lead to none of those"


def check_attest(findings, attestation, spki):
    attester, info, signature, certified = (attestation[at] for at in (1, 2, 3, 4))
    attest = read_certify(info)
    findings.look("attest", "it is no attest of a TPM that certifies a key" if attest is None else None)
    area = read_area(certified)
    if area is None:
        findings.look("certified", "the certified key is no P-256 key of a TPM")
    if attest is not None:
        wrong = "the attest is about another key than the one given"
        findings.look("certified", None if attest[0] == name_of(certified) else wrong)
    if area is not None:
        wrong = "the certified key is not the one that signs here"
        findings.look("certified", None if area[3] == spki else wrong)
        look_attributes(findings, "the certified key", area, EVIDENCE_KEY)
    area = read_area(attester)
    if area is None:
        return findings.look("attester", "the attestation key is no P-256 key of a TPM")
    look_attributes(findings, "the attestation key", area, ATTESTATION_KEY)
    findings.look("attester", "the attestation key is the one that signs here" if area[3] == spki else None)
    signed = verify_es256(area[3], info, signature)
    findings.look("attester", None if signed else "its signature does not verify")
    if attest is not None:
        signer = name_of(ENDORSEMENT_HIERARCHY + name_of(attester))
        wrong = "the attest names another signer than this key of the endorsement hierarchy"
        findings.look("attester", None if attest[1] == signer else wrong)


def look_attributes(findings, which, area, wanted):
    signs, attributes, policy, _ = area
    plain = signs and not policy
    has = f"0x{attributes:08x}" if plain else "a use or a policy that it must not have"
    right = plain and attributes == wanted
    findings.look("attributes", None if right else f"{which} has {has}, not 0x{wanted:08x}")


def check_certificate(findings, key, gateway):
    if 2 not in key or 4 not in key:
        return None
    certificate, area = read_certificate(key[2][0]), read_area(key[4][1])
    wrong = None
    if certificate is None:
        wrong = "it cannot be read"
    elif area is None or spki_of(certificate) != area[3]:
        wrong = "it is over another key"
    elif ATTESTATION_USAGE not in usages_of(certificate):
        wrong = "it is not for an attestation key of a TPM"
    elif gateway is not None and only(certificate, NameOID.COMMON_NAME) != gateway:
        wrong = "it is for another gateway than the checkpoint says"
    findings.look("certificate", wrong)
    return certificate


def usages_of(certificate):
    return [usage.dotted_string for usage in extension(certificate, x509.ExtendedKeyUsage) or []]


def check_endorsement(findings, chain, certificate):
    seen = None if certificate is None else only(certificate, NameOID.SERIAL_NUMBER)
    wrong = "the attestation key's certificate does not name this one"
    named = seen == hashlib.sha256(chain[0]).hexdigest()
    findings.look("endorsement", find_break(chain) if named else wrong)


def check_key_bundle(findings, key, gateway, roots):
    """`gateway`: who the checkpoint says it is, or None; `roots`: certificates that somebody trusts, or None."""
    if 4 in key:
        check_attest(findings, key[4], key[1])
    elif 2 in key or 3 in key:
        findings.look("attest", "there are certificates, and no attest of a key that they could be for")
    certificate, chain = check_certificate(findings, key, gateway), key.get(2, [])
    if roots is not None:
        findings.look("roots", find_break(chain) or find_no_root(chain, roots))
    if 3 in key:
        check_endorsement(findings, key[3], certificate)
    hangs_on = [*SHOWN_BY, "endorsement"] if 3 in key else SHOWN_BY
    unit = None if certificate is None else only(certificate, NameOID.ORGANIZATIONAL_UNIT_NAME)
    if 6 in key:
        findings.notes["hardware"] = SOFTWARE
    elif 4 not in key:
        findings.notes["hardware"] = "nothing that is checked here says so"
    elif unit == SOFTWARE_UNIT:
        findings.look("hardware", "its certificate is for a software TPM, and the bundle does not say so")
    elif all(check in findings.looked and check not in findings.faults for check in hangs_on):
        findings.look("hardware")
    elif roots is None:
        findings.notes["hardware"] = "nobody you named vouches for it (--trust takes root certificates)"
    else:
        findings.notes["hardware"] = "not shown, see above"
