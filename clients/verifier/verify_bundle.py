#!/usr/bin/python3
"""Checks a Holdpoint proof bundle.

Needs Debian's python3-cbor2 and python3-cryptography, no network and nothing of Holdpoint. Prints a line for every
check, PASS, FAIL or NOT PRESENT. Exit code 0: nothing failed; 1: something did; 2: used wrongly.

Of an entry it checks the envelope and what this report speaks of, not every field of every type: an entry that the
signed root covers is what the gateway wrote.
"""

import argparse
import hashlib
import io
import sys
from datetime import datetime, timezone
from decimal import Decimal

import cbor2
from cryptography.hazmat.primitives import serialization

from key_bundle import KEY_CHECKS, SOFTWARE, check_key_bundle, read_roots, verify_es256

CHECKS = [
    ("form", "the bundle is in its one canonical form"),
    ("checkpoint", "the checkpoint is one of this format"),
    ("key", "the checkpoint names the key that is here"),
    ("trust", "the key is one that you named"),
    ("signature", "the checkpoint is signed by that key"),
    ("entries", "every entry is in its one canonical form"),
    ("order", "entries are in the order of their numbers, none twice"),
    ("sizes", "every path is for the signed number of entries"),
    ("places", "every path is for its entry's own number"),
    ("paths", "every path leads from its entry to the signed root"),
    ("chain", "neighbours in the log name each other"),
    ("outcomes", "every outcome belongs to a permit that is here"),
    ("profile", "the profile is the one that every decision names"),
    ("people", "the profile is signed by people"),
    *KEY_CHECKS,
    ("outside", "outside evidence over the checkpoint"),
]
CANNOT = "it is there, and this version cannot check it"
SELF_DESCRIBED = bytes.fromhex("d9d9f7")
BYTES_MAX = 64 * 1024 * 1024
UINT_MAX = 2**53 - 1
TYPES = """decision outcome boot mode trip safe-step lease approval bypass operator-act profile site key anchor flood
device clock snapshot notice""".split()
VERDICTS = "permit clamp deny hold".split()
OUTCOMES = """done acknowledged exception unknown withdrawn no-change crash-unknown resolved-done resolved-not-done
dry-run""".split()


class Wrong(Exception):
    """What is not as it must be, in words."""


def demand(holds, why):
    if not holds:
        raise Wrong(why)


def sha256(content):
    return hashlib.sha256(content).digest()


def is_uint(value):
    return type(value) is int and 0 <= value <= UINT_MAX


def is_bytes(value, length=None):
    return type(value) is bytes and (length is None or len(value) == length)


def is_list(value, least):
    return type(value) is list and len(value) >= least and all(is_bytes(one) for one in value)


def is_plain(value, depth=0):
    """Only what the format has: no floats, no undefined, no dates or sets made from tags."""
    if depth > 16:
        return False
    if value is None or type(value) in (bool, str, bytes, Decimal) or type(value) is int and abs(value) < 2**64:
        return True
    if type(value) is list:
        return all(is_plain(one, depth + 1) for one in value)
    if type(value) is dict:
        return all(type(key) in (int, str) and is_plain(one, depth + 1) for key, one in value.items())
    return type(value) is cbor2.CBORTag and value.tag == 18 and is_plain(value.value, depth + 1)


def decode(content, why):
    """One item in core-deterministic CBOR: what it decodes to must encode to the same bytes."""
    try:
        value = cbor2.load(io.BytesIO(content))
        same = is_plain(value) and cbor2.dumps(value, canonical=True) == content
    except Exception:  # whatever the library stumbles over is no canonical item
        same = False
    demand(same, why)
    return value


def read_bundle(content):
    demand(len(content) <= BYTES_MAX, "it is too long to be a bundle")
    no_bundle = "it is no proof bundle of this version"
    demand(content.startswith(SELF_DESCRIBED), no_bundle)
    bundle = decode(content[len(SELF_DESCRIBED) :], "it is not one item of canonical CBOR")
    demand(type(bundle) is dict and bundle.get(0) == "holdpoint-proof/1", no_bundle)
    demand(set(bundle) <= set(range(7)), "it has a field of another version")
    demand(is_bytes(bundle.get(1)), "it has no checkpoint")
    items = bundle.get(2)
    no_items = "it has no entries with their paths"
    demand(type(items) is list and items, no_items)
    for item in items:
        demand(is_list(item, 2) and len(item) == 2, no_items)
        item[1] = read_path(item[1], no_items)
    demand(is_key_bundle(bundle.get(3)), "it has no key of this version")
    demand(5 not in bundle or is_bytes(bundle[5]), "its profile is no bytes")
    lists = all(is_list(bundle[field], 1) for field in (4, 6) if field in bundle)
    demand(lists, "it has an empty or wrong list")
    return bundle


def read_path(content, why):
    proof = decode(content, why)
    demand(type(proof) is list and len(proof) == 3, why)
    size, index, path = proof
    demand(is_uint(size) and is_uint(index) and is_list(path, 0) and len(path) <= 53, why)
    demand(all(len(one) == 32 for one in path), why)
    return proof


def is_key_bundle(key):
    if type(key) is not dict or not set(key) <= set(range(1, 7)) or not is_bytes(key.get(1)):
        return False
    chains = all(is_list(key[field], 1) for field in (2, 3) if field in key)
    attest, span = key.get(4, {1: b"", 2: b"", 3: b"", 4: b""}), key.get(5, [0, 0])
    attested = type(attest) is dict and set(attest) == {1, 2, 3, 4} and is_list(list(attest.values()), 4)
    spans = type(span) is list and len(span) == 2 and all(map(is_uint, span)) and span[0] <= span[1]
    return chains and attested and spans and key.get(6, "software") == "software"


def read_checkpoint(content):
    message = decode(content, "not a COSE_Sign1 (cbor)")
    shape = "not a COSE_Sign1 (shape)"
    demand(type(message) is cbor2.CBORTag and type(message.value) is list and len(message.value) == 4, shape)
    protected, unprotected, root, signature = message.value
    demand(is_bytes(protected) and type(unprotected) is dict and is_bytes(signature), shape)
    head = decode(protected, "not a COSE_Sign1 (headers)")
    labels = {1, 4, 15, 16, 395, -70001, -70002, -70003}
    demand(type(head) is dict and set(head) == labels, "protected headers of another version")
    demand(type(head[1]) is int and head[1] == -7, "not ES256")
    demand(head[16] == "application/holdpoint-checkpoint+cose", "not a checkpoint by its type")
    demand(type(head[395]) is int and head[395] == 1, "not an RFC 9162 tree")
    claims = head[15]
    named = type(claims) is dict and set(claims) == {1, 2, 6}
    named = named and type(claims[1]) is str and type(claims[2]) is str and is_uint(claims[6])
    demand(named, "claims of another shape")
    demand(is_bytes(head[4], 32), "no key id")
    demand(is_bytes(head[-70002], 32), "no link to the checkpoint before")
    demand(is_uint(head[-70001]) and head[-70001] > 0, "no tree size")
    demand(is_uint(head[-70003]), "no boot number")
    demand(is_bytes(root, 32), "its payload is no root")
    demand(len(signature) == 64, "its signature is not 64 bytes")
    demand(not unprotected, "it carries a proof from a checkpoint that is not here")
    return protected, head, root, signature


def read_entry(content, index):
    why = f"entry at path {index} is none in its one canonical form"
    entry = decode(content, why)
    demand(type(entry) is dict and set(entry) - {7} == {1, 2, 3, 4, 5, 6}, why)
    demand(type(entry[1]) is int and entry[1] == 1 and is_uint(entry[2]) and is_bytes(entry[3], 32), why)
    demand(is_uint(entry[4]) and entry[4] < len(TYPES) and is_uint(entry.get(7, 0)), why)
    stamp = entry[5]
    demand(type(stamp) is list and len(stamp) == 5 and is_bytes(stamp[2], 16), why)
    demand(all(is_uint(stamp[at]) for at in (0, 1, 3, 4)) and stamp[4] <= 3, why)
    body = entry[6]
    demand(type(body) is dict, why)
    if entry[4] == 0:
        demand(is_bytes(body.get(1), 16) and is_uint(body.get(6)) and body[6] <= 3 and is_bytes(body.get(8), 32), why)
    if entry[4] == 1:
        demand(is_bytes(body.get(1), 16) and is_uint(body.get(2)) and body[2] < len(OUTCOMES), why)
    return entry


def path_root(leaf_hash, size, index, path):
    """RFC 9162 section 2.1.3.2; None: the path has another length."""
    if index >= size:
        return None
    node, at, last = leaf_hash, index, size - 1
    for beside in path:
        if last == 0:
            return None
        if at % 2 == 1 or at == last:
            node = sha256(b"\x01" + beside + node)
            while at % 2 == 0 and at != 0:
                at, last = at // 2, last // 2
        else:
            node = sha256(b"\x01" + node + beside)
        at, last = at // 2, last // 2
    return node if last == 0 else None


def is_signed(spki, protected, root, signature):
    return verify_es256(spki, cbor2.dumps(["Signature1", protected, b"", root]), signature)


class Findings:
    def __init__(self):
        self.looked, self.faults, self.notes = {}, {}, {}

    def look(self, check, why=None):
        self.looked[check] = self.looked.get(check, 0) + 1
        if why is not None:
            self.faults.setdefault(check, []).append(why)

    def attempt(self, check, read, *given):
        """What was read; None, and a fault, when it is wrong."""
        try:
            value = read(*given)
        except Wrong as wrong:
            return self.look(check, str(wrong))
        self.look(check)
        return value

    def lines(self):
        for check, label in CHECKS:
            looked, faults = self.looked.get(check, 0), self.faults.get(check, [])
            status = "FAIL" if faults else "PASS" if looked else "NOT PRESENT"
            counted = f" ({looked})" if looked else ""
            note = f"; {self.notes[check]}" if check in self.notes else ""
            yield f"{status:<11}  {label}{counted}{note}"
            if faults:
                more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
                yield f"             {faults[0]}{more}"

    def check_key(self, bundle, checkpoint, trusted):
        protected, head, root, signature = checkpoint
        spki, kid = bundle[3][1], head[4]
        named = sha256(spki) == kid
        self.look("key", None if named else f"it names key {kid.hex()[:16]}, and another is here")
        if type(trusted) is bytes:
            self.look("trust", None if trusted == spki else "it is not a trusted key")
        why = "its signature does not verify"
        self.look("signature", None if is_signed(spki, protected, root, signature) else why)

    def check_paths(self, seen, checkpoint):
        _, head, root, _ = checkpoint
        for entry, leaf_hash, (size, index, path) in seen:
            which = f"entry at path {index}" if entry is None else f"entry {entry[2]}"
            wrong = f"{which}: its path is for {size} entries, {head[-70001]} are signed"
            self.look("sizes", None if size == head[-70001] else wrong)
            if entry is not None:
                wrong = f"{which}: its path is for number {index}"
                self.look("places", None if entry[2] == index else wrong)
            leads = path_root(leaf_hash, size, index, path) == root
            self.look("paths", None if leads else f"{which}: its path leads to another root")

    def check_order(self, seen):
        last, last_hash = -1, None
        for entry, leaf_hash, _ in seen:
            if entry is None:
                continue
            seq = entry[2]
            self.look("order", None if seq > last else f"entry {seq} comes after entry {last}")
            if last_hash is not None and seq == last + 1:
                self.look("chain", None if entry[3] == last_hash else f"entry {seq} does not name entry {last}")
            last, last_hash = seq, leaf_hash

    def check_outcomes(self, entries):
        permits, open_permits = {}, []
        for entry in entries:
            seq, body = entry[2], entry[6]
            if entry[4] == 0 and body[6] <= 1:
                permits[body[1]] = seq
                open_permits.append(seq)
            elif entry[4] == 1:
                permit = permits.get(body[1])
                self.look("outcomes", f"outcome {seq} has no permit here" if permit is None else None)
                open_permits = [one for one in open_permits if one != permit]
        if open_permits:
            self.notes["outcomes"] = f"the outcome of permit {open_permits[0]} is not here"

    def check_profile(self, bundle, entries, named_profile):
        decisions = [entry for entry in entries if entry[4] == 0]
        for profile in (bundle.get(5), named_profile):
            if profile is None:
                continue
            digest = sha256(profile)
            if not decisions:
                self.look("profile", "no decision here names a profile")
            for entry in decisions:
                named = entry[6][8]
                wrong = f"decision {entry[2]} names profile {named.hex()[:16]}, this one is {digest.hex()[:16]}"
                self.look("profile", None if named == digest else wrong)
        if 6 in bundle:
            self.look("people", CANNOT)

    def check_span(self, bundle, entries):
        first, last = bundle[3].get(5, [0, UINT_MAX])
        for entry in entries if 5 in bundle[3] else []:
            wrong = f"entry {entry[2]}: the key is for entries {first} to {last}"
            self.look("key", None if first <= entry[2] <= last else wrong)


def verify(content, trusted, named_profile):
    """Findings, then lines about the checkpoint and the entries, then whether the key says it is software.

    `trusted`: the key that must have signed, a list of root certificates that must vouch for whichever did, or None.
    """
    findings = Findings()
    bundle = findings.attempt("form", read_bundle, content)
    if bundle is None:
        return findings, [], False
    checkpoint = findings.attempt("checkpoint", read_checkpoint, bundle[1])
    seen = []
    for leaf, proof in bundle[2]:
        entry = findings.attempt("entries", read_entry, leaf, proof[1])
        seen.append((entry, sha256(b"\x00" + leaf), proof))
    entries = [entry for entry, _, _ in seen if entry is not None]
    if checkpoint is not None:
        findings.check_key(bundle, checkpoint, trusted)
        findings.check_paths(seen, checkpoint)
    findings.check_order(seen)
    findings.check_outcomes(entries)
    findings.check_profile(bundle, entries, named_profile)
    findings.check_span(bundle, entries)
    gateway = None if checkpoint is None else checkpoint[1][15][1]
    check_key_bundle(findings, bundle[3], gateway, trusted if type(trusted) is list else None)
    if 4 in bundle:
        findings.look("outside", CANNOT)
    return findings, describe(checkpoint, entries), 6 in bundle[3]


def describe(checkpoint, entries):
    if checkpoint is not None:
        claims = checkpoint[1][15]
        size = checkpoint[1][-70001]
        yield f"checkpoint over {size} entries of {claims[1]!a}, log {claims[2]!a}, {utc_text(claims[6])}"
    for entry in entries:
        kind, body = TYPES[entry[4]], entry[6]
        word = VERDICTS[body[6]] if entry[4] == 0 else OUTCOMES[body[2]] if entry[4] == 1 else ""
        yield f"{entry[2]}  {utc_text(entry[5][0] / 1e6)}  {kind}  {word}".rstrip()


def utc_text(seconds):
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s"


def read_trust(path):
    """A public key (its SPKI), or a list of root certificates."""
    content = open(path, "rb").read()
    roots = read_roots(content)
    if roots is not None:
        return roots
    pem = content.startswith(b"-----BEGIN")
    key = serialization.load_pem_public_key(content) if pem else serialization.load_der_public_key(content)
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle")
    parser.add_argument("--trust", help="public key that must have signed, or root certificates (PEM)")
    parser.add_argument("--profile", help="file that the decisions must name")
    given = parser.parse_args()
    try:
        content = open(given.bundle, "rb").read(BYTES_MAX + 1)
        trusted = None if given.trust is None else read_trust(given.trust)
        profile = None if given.profile is None else open(given.profile, "rb").read()
    except (OSError, ValueError) as error:
        print(f"cannot be read: {error}", file=sys.stderr)
        return 2
    findings, lines, software = verify(content, trusted, profile)
    print(f"{given.bundle}: a proof bundle")
    print("\n".join([*lines, "", *findings.lines(), ""]))
    if trusted is None:
        print("keys: taken from the bundle itself (--trust names others)")
    if software:
        print(SOFTWARE)
    print("FAIL" if findings.faults else "PASS")
    return 1 if findings.faults else 0


if __name__ == "__main__":
    sys.exit(main())
