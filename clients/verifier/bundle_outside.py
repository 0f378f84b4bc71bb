"""Outside evidence over the checkpoint of a bundle: a TPM's anchor, a time stamp. Part of verify_bundle.py."""

import os
import re
import subprocess
import tempfile
from datetime import datetime, timezone

import cbor2

from bundle_form import Wrong, decode, demand, is_bytes, is_uint, read_consistency
from bundle_tree import sha256
from key_bundle import ENDORSEMENT_HIERARCHY, Fields, name_of, read_area, verify_es256

OUTSIDE_CHECKS = [
    ("outside", "outside evidence is over this very checkpoint"),
    ("anchor", "the TPM's anchor of it is signed by the attestation key that is here"),
    ("stamp", "a time stamp over it is signed by an authority that you named"),
]
OUTSIDE_MAX, STAMP_BYTES_MAX = 16, 32 * 1024
# A time stamp and what is around it.
ITEM_BYTES_MAX = STAMP_BYTES_MAX + 256
# The last second of the year 9999: a leap second may lead beyond.
UTC_SECONDS_MAX = 253_402_300_799
KINDS = "nv-certify rfc3161 witness scitt".split()
# TPMS_NV_PUBLIC of the counter of anchors: index 0x01500011, SHA-256, a flash counter that was written, eight bytes.
ANCHOR_COUNTER = bytes.fromhex("01500011000b2206001400000008")
# DER: tags, and object identifiers as their content.
INTEGER, OCTETS, OBJECT, TIME, SEQUENCE, SET, CONTEXT0 = 0x02, 0x04, 0x06, 0x18, 0x30, 0x31, 0xA0
SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
TST_INFO = bytes.fromhex("2a864886f70d0109100104")
SHA256_OBJECT = bytes.fromhex("608648016503040201")


def read_outside(items):
    """The consistency proof that the checkpoint has in the log, or None, and the evidence as it stands there."""
    why = "it is not in the form of this version"
    try:
        demand(len(items[0]) <= ITEM_BYTES_MAX, why)
        proof = read_consistency(items[0], why)
    except Wrong:
        proof = None
    rest = items if proof is None else items[1:]
    demand(0 < len(rest) <= OUTSIDE_MAX, why)
    return proof, [read_anchor(one, why) for one in rest]


def read_anchor(content, why):
    demand(len(content) <= ITEM_BYTES_MAX, why)
    anchor = decode(content, why)
    demand(type(anchor) is dict and set(anchor) - {4} == {1, 2, 3}, why)
    demand(is_uint(anchor[1]) and anchor[1] < len(KINDS) and is_bytes(anchor[2]), why)
    demand(is_uint(anchor[3]) and is_bytes(anchor.get(4, b"")), why)
    return KINDS[anchor[1]], anchor[2], anchor[3], anchor.get(4)


def bytes_in_log(checkpoint, proof):
    """The whole frame of the checkpoint as the log has it: that is what outside evidence is over."""
    protected, _, root, signature, _ = checkpoint
    proofs = {} if proof is None else {396: {-2: [cbor2.dumps(proof, canonical=True)]}}
    return cbor2.dumps(cbor2.CBORTag(18, [protected, proofs, root, signature]), canonical=True)


def read_counter_attest(content):
    """TPMS_ATTEST of TPM2_NV_Certify over a whole counter: signer, qualifying data, index, value; None: it is none."""
    fields = Fields(content)
    try:
        fields.expect(bytes.fromhex("ff5443478014"))
        signer = fields.sized(34, 34)
        qualifying = fields.sized(66)
        fields.take(16)
        if fields.number(1) > 1:
            return None
        fields.take(8)
        index = fields.sized(34, 34)
        fields.expect(bytes.fromhex("00000008"))
        value = fields.number(8)
        fields.end()
    except ValueError:
        return None
    return None if value > 2**53 - 1 else (signer, qualifying, index, value)


class Der:
    """Values of DER one after the other, lengths in their shortest form; ValueError for whatever is not there."""

    def __init__(self, content):
        self.content, self.at = content, 0

    def take(self, wanted=None):
        head = self.content[self.at : self.at + 2]
        if len(head) < 2 or head[0] & 0x1F == 0x1F or wanted not in (None, head[0]):
            raise ValueError("tag")
        at, length = self.at + 2, head[1]
        if length >= 0x80:
            more = length - 0x80
            if more not in (1, 2) or at + more > len(self.content):
                raise ValueError("length")
            at, length = at + more, int.from_bytes(self.content[at : at + more], "big")
            if length < (0x80 if more == 1 else 0x100):
                raise ValueError("length")
        if at + length > len(self.content):
            raise ValueError("short")
        self.at = at + length
        return self.content[at : at + length]

    def enter(self, wanted):
        return Der(self.take(wanted))

    def only(self, wanted):
        """The one value inside the next, all of it."""
        inner = self.enter(wanted)
        inner.take()
        inner.end()
        return Der(inner.content)

    def demand(self, wanted, content):
        if self.take(wanted) != content:
            raise ValueError("value")

    def end(self):
        if self.at != len(self.content):
            raise ValueError("trailing")


def read_time_stamp(content):
    """A granted TimeStampResp of RFC 3161: the SHA-256 that it is over, and the UTC seconds it names; None: it is none."""
    if len(content) > STAMP_BYTES_MAX:
        return None
    try:
        whole = Der(content)
        response = whole.enter(SEQUENCE)
        whole.end()
        if response.enter(SEQUENCE).take(INTEGER) not in (b"\0", b"\1"):
            return None
        signed_data = response.enter(SEQUENCE)
        response.end()
        signed_data.demand(OBJECT, SIGNED_DATA)
        signed = signed_data.only(CONTEXT0).enter(SEQUENCE)
        signed.take(INTEGER)
        signed.take(SET)
        inner = signed.enter(SEQUENCE)
        inner.demand(OBJECT, TST_INFO)
        outer = Der(inner.only(CONTEXT0).take(OCTETS))
        info = outer.enter(SEQUENCE)
        outer.end()
        info.take(INTEGER)
        info.take(OBJECT)
        imprint = info.enter(SEQUENCE)
        imprint.enter(SEQUENCE).demand(OBJECT, SHA256_OBJECT)
        digest = imprint.take(OCTETS)
        info.take(INTEGER)
        seconds = read_time(info.take(TIME))
    except ValueError:
        return None
    return (digest, seconds) if len(digest) == 32 else None


def read_time(content):
    form = rb"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.\d{1,9})?Z"
    found = re.fullmatch(form, content)
    if found is None:
        raise ValueError("time")
    year, month, day, hour, minute, second = map(int, found.groups())
    if year < 1970 or not 1 <= day <= 31 or second > 60:
        raise ValueError("time")
    begun = datetime(year, month, 1, hour, minute, tzinfo=timezone.utc)
    seconds = int(begun.timestamp()) + (day - 1) * 86_400 + second
    if seconds > UTC_SECONDS_MAX:
        raise ValueError("time")
    return seconds


def utc_word(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def find_fault(anchor, size, digest):
    kind, token, over, signature = anchor
    if kind not in ("nv-certify", "rfc3161"):
        return f"evidence of kind {kind}: this version cannot check it"
    if over != size:
        return f"it is over a checkpoint of {over} entries, this one is over {size}"
    if kind == "rfc3161":
        stamp = read_time_stamp(token)
        if stamp is None:
            return "it is no granted time stamp of RFC 3161"
        if signature is not None:
            return "a time stamp brings its own signature, here is one more"
        return None if stamp[0] == digest else "the time stamp is over another checkpoint"
    attest = read_counter_attest(token)
    if attest is None:
        return "it is no attest of a TPM about a whole counter"
    if attest[2] != name_of(ANCHOR_COUNTER):
        return "the anchor is about another counter than that of anchors"
    return None if attest[1] == digest else "the anchor is over another checkpoint"


def describe_outside(anchor):
    kind, token, _, _ = anchor
    attest = read_counter_attest(token) if kind == "nv-certify" else None
    stamp = read_time_stamp(token) if kind == "rfc3161" else None
    if attest is not None:
        return f"its TPM's counter of anchors stood at {attest[3]}"
    return None if stamp is None else f"a time stamp says {utc_word(stamp[1])}"


def check_signer(findings, token, signature, key):
    if signature is None or len(signature) != 64:
        return findings.look("anchor", "it has no signature of 64 bytes")
    if verify_es256(key[1], token, signature):
        wrong = "it is signed by the key of checkpoints: only a restricted key's attest counts"
        return findings.look("anchor", wrong)
    if 4 not in key:
        findings.notes["anchor"] = "no attestation key is here, so that nobody can say whose it is"
        return None
    area, attest = read_area(key[4][1]), read_counter_attest(token)
    if area is None:
        return findings.look("anchor", "the attestation key is no P-256 key of a TPM")
    if not verify_es256(area[3], token, signature):
        return findings.look("anchor", "the attestation key that is here did not sign it")
    own = name_of(ENDORSEMENT_HIERARCHY + name_of(key[4][1]))
    wrong = "it names another signer than this key of the endorsement hierarchy"
    return findings.look("anchor", None if attest is None or attest[0] == own else wrong)


def check_authority(findings, token, authority):
    """`authority`: file of root certificates (PEM) that are trusted for time, or None. `openssl` checks the signature."""
    if authority is None:
        findings.notes["stamp"] = "no time authority was named (--time-authority)"
        return None
    stamp = read_time_stamp(token)
    signed = stamp is not None and is_stamp_signed(token, stamp, authority)
    if signed is None:
        return findings.look("stamp", "openssl is missing, which alone can say who signed it")
    return findings.look("stamp", None if signed else "no authority that you named signed it")


def is_stamp_signed(token, stamp, authority):
    """Also that it is over its imprint, at the time it names: it is to be judged alike in ten years. None: no openssl."""
    with tempfile.TemporaryDirectory(prefix="holdpoint-stamp-") as folder:
        file = os.path.join(folder, "response.tsr")
        with open(file, "wb") as out:
            out.write(token)
        how = ["-verify", "-digest", stamp[0].hex(), "-in", file, "-CAfile", authority, "-attime", str(stamp[1])]
        try:
            ran = subprocess.run(["openssl", "ts", *how], capture_output=True, timeout=30, check=False)
        except FileNotFoundError:
            return None
        except (OSError, subprocess.SubprocessError):
            return False
        return ran.returncode == 0


def check_outside(findings, bundle, checkpoint, authority):
    if 4 not in bundle:
        return
    try:
        proof, anchors = read_outside(bundle[4])
    except Wrong as wrong:
        findings.look("outside", str(wrong))
        return
    if checkpoint is None:
        findings.look("outside", "there is no checkpoint that it could be over")
        return
    size, words = checkpoint[1][-70001], []
    own = proof is None or (proof[1] == size and proof[0] < size)
    if not own:
        wrong = f"the checkpoint's proof in the log leads from {proof[0]} entries to {proof[1]}"
        findings.look("outside", f"{wrong}, {size} are signed")
    digest = sha256(bytes_in_log(checkpoint, proof))
    for anchor in anchors:
        kind, token, _, signature = anchor
        fault = find_fault(anchor, size, digest)
        findings.look("outside", fault)
        if fault is not None or not own:
            continue
        words.append(describe_outside(anchor))
        if kind == "nv-certify":
            check_signer(findings, token, signature, bundle[3])
        if kind == "rfc3161":
            check_authority(findings, token, authority)
    words = [word for word in words if word is not None]
    if words:
        findings.notes["outside"] = ", ".join(words)
