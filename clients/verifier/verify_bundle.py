#!/usr/bin/python3
"""Checks a Holdpoint proof bundle.

Needs Debian's python3-cbor2 and python3-cryptography, no network and nothing of Holdpoint. Prints a line for every
check, PASS, FAIL or NOT PRESENT. Exit code 0: nothing failed; 1: something did; 2: used wrongly.

Of an entry it checks the envelope and what this report speaks of, not every field of every type: an entry that the
signed root covers is what the gateway wrote.
"""

import argparse
import re
import sys
from datetime import datetime, timezone

import cbor2
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

# From the files beside this one, which stand here in the one script of an export.
from bundle_form import BYTES_MAX, OUTCOMES, TYPES, Wrong, read_bundle, read_checkpoint, read_earlier, read_entry
from bundle_tree import growth_roots, is_power_of_two, path_root, perfect_before, sha256
from key_bundle import KEY_CHECKS, SOFTWARE, check_key_bundle, read_roots, verify_es256
from bundle_outside import OUTSIDE_CHECKS, check_outside

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
    ("period", "no entry between the first and the last is left out"),
    ("consistency", "the checkpoint's consistency proof leads to the signed root"),
    ("earlier", "the log began as the earlier checkpoint that you named"),
    ("outcomes", "every outcome belongs to a permit that is here"),
    ("profile", "the profile is the one that every decision names"),
    ("people", "the profile is signed by people"),
    *KEY_CHECKS,
    *OUTSIDE_CHECKS,
]
CANNOT = "it is there, and this version cannot check it"
VERDICTS = "permit clamp deny hold".split()
SHOWN_MAX = 100


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

    def read_earlier(self, content):
        try:
            return read_earlier(content)
        except Wrong as wrong:
            return self.look("earlier", str(wrong))

    def check_key(self, bundle, checkpoint, trusted):
        protected, head, root, signature, _ = checkpoint
        spki, kid = bundle[3][1], head[4]
        named = sha256(spki) == kid
        self.look("key", None if named else f"it names key {kid.hex()[:16]}, and another is here")
        if type(trusted) is tuple:
            self.look("trust", None if spki in trusted else "it is not a trusted key")
        why = "its signature does not verify"
        self.look("signature", None if is_signed(spki, protected, root, signature) else why)

    def check_paths(self, seen, checkpoint):
        _, head, root, _, _ = checkpoint
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

    def check_period(self, bundle, checkpoint, asked):
        """The period without gaps, as (first, last); None: it is none. Gaps alone are no fault: a story has them."""
        numbers = {proof[1] for _, proof in bundle[2]}
        here = min(numbers), max(numbers)
        is_period = asked is not None or (checkpoint is not None and checkpoint[4] is not None)
        spans = [here] if asked is None else [here, asked]
        gaps = (seq for first, last in spans for seq in range(first, last + 1) if seq not in numbers)
        missing = next(gaps, None)
        if not is_period and (missing is not None or len(numbers) < 2):
            return None
        self.look("period", None if missing is None else f"entry {missing} is not here")
        self.notes["period"] = f"entries {here[0]} to {here[1]}"
        return here if is_period and missing is None else None

    def check_growth(self, bundle, checkpoint, earlier):
        _, head, root, _, proof = checkpoint
        if proof is None:
            return
        (size1, size2, path), size = proof, head[-70001]
        if size2 != size:
            return self.look("consistency", f"it leads to {size2} entries, {size} are signed")
        if size1 == 0 or size1 >= size2:
            return self.look("consistency", f"it leads from {size1} entries to {size2}")
        perfect = None
        if is_power_of_two(size1):
            behind = [one for _, one in bundle[2] if size1 <= one[1] < 2 * size1]
            if behind:
                perfect = perfect_before(*behind[0])
            elif earlier is not None and earlier[1][-70001] == size1:
                perfect = earlier[2]
            if perfect is None:
                self.notes["consistency"] = f"only the checkpoint over {size1} entries can show it (--earlier)"
                return
        roots = growth_roots(size1, size2, path, perfect)
        leads = roots is not None and roots[1] == root
        self.look("consistency", None if leads else "its path leads to another root")
        if leads:
            self.notes["consistency"] = f"from {size1} entries with root {roots[0].hex()}"

    def check_earlier(self, bundle, checkpoint, earlier, trusted):
        protected, head, root, signature, _ = earlier
        named = trusted if type(trusted) is tuple else ()
        known = [key for key in (bundle[3][1], *named) if sha256(key) == head[4]]
        if not known:
            return self.look("earlier", f"it is signed by key {head[4].hex()[:16]}, which is not here")
        if not is_signed(known[0], protected, root, signature):
            return self.look("earlier", "its signature does not verify")
        why = refuse_growth(earlier, checkpoint)
        self.look("earlier", why)
        if why is None:
            self.notes["earlier"] = f"over {head[-70001]} entries"

    def check_outcomes(self, entries, period):
        permits, open_permits, before, notes = {}, {}, [], []
        for entry in entries:
            seq, body = entry[2], entry[6]
            if entry[4] == 0 and body[6] <= 1:
                permits[body[1]] = seq
                open_permits[seq] = True
            elif entry[4] == 1:
                permit = permits.get(body[1])
                open_permits.pop(permit, None)
                if permit is None and period is not None and period[0] > 0:
                    before.append(seq)
                else:
                    self.look("outcomes", f"outcome {seq} has no permit here" if permit is None else None)
        if before:
            notes.append(f"of outcome {before[0]} it came before entry {period[0]}")
        if open_permits:
            notes.append(f"the outcome of permit {next(iter(open_permits))} is not here")
        if notes:
            self.notes["outcomes"] = ", ".join(notes)

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
        if 5 not in bundle[3]:
            return
        first, last = bundle[3][5]
        for entry in entries:
            wrong = f"entry {entry[2]}: the key is for entries {first} to {last}"
            self.look("key", None if first <= entry[2] <= last else wrong)


def refuse_growth(earlier, checkpoint):
    """What is wrong when the log of the one checkpoint is to have grown into that of the other; None: nothing."""
    (_, head, root, _, _), (_, now, newer, _, proof) = earlier, checkpoint
    before, size = head[-70001], now[-70001]
    if head[15][1] != now[15][1] or head[15][2] != now[15][2]:
        return "it is of another gateway or log"
    if before == size:
        return None if root == newer else f"it has another root over the same {size} entries"
    if before > size:
        return f"it is over {before} entries, this one over {size}"
    if proof is None:
        return "no proof leads from it: the bundle has none"
    if proof[0] != before or proof[1] != size:
        return f"it is over {before} entries, and the proof leads from {proof[0]}"
    grew = growth_roots(*proof, root) == (root, newer)
    return None if grew else "the proof does not lead from it: this is not the log that it was"


def verify(content, trusted, named_profile, earlier=None, period=None, authority=None):
    """Findings, then lines about the checkpoint and the entries, then whether the key says it is software.

    `trusted`: a tuple of keys of which one must have signed, a list of root certificates that must vouch for whichever
    did, or None.
    `authority`: file of root certificates for time stamps, or None.
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
    whole_period = findings.check_period(bundle, checkpoint, period)
    if checkpoint is not None:
        kept = None if earlier is None else findings.read_earlier(earlier)
        findings.check_growth(bundle, checkpoint, kept)
        if kept is not None:
            findings.check_earlier(bundle, checkpoint, kept, trusted)
    findings.check_outcomes(entries, whole_period)
    findings.check_profile(bundle, entries, named_profile)
    findings.check_span(bundle, entries)
    gateway = None if checkpoint is None else checkpoint[1][15][1]
    check_key_bundle(findings, bundle[3], gateway, trusted if type(trusted) is list else None)
    check_outside(findings, bundle, checkpoint, authority)
    return findings, describe(checkpoint, entries), 6 in bundle[3]


def describe(checkpoint, entries):
    if checkpoint is not None:
        claims = checkpoint[1][15]
        size = checkpoint[1][-70001]
        yield f"checkpoint over {size} entries of {claims[1]!a}, log {claims[2]!a}, {utc_text(claims[6])}"
        if -70004 in checkpoint[1]:
            yield f"commits after it are signed by key {sha256(checkpoint[1][-70004]).hex()[:16]}"
        if -70005 in checkpoint[1]:
            yield f"names the time stamp {checkpoint[1][-70005].hex()} as made before it"
    left_out = len(entries) - SHOWN_MAX
    for at, entry in enumerate(entries):
        if left_out > 0 and SHOWN_MAX // 2 <= at < SHOWN_MAX // 2 + left_out:
            if at == SHOWN_MAX // 2:
                yield f"... {left_out} more"
            continue
        kind, body = TYPES[entry[4]], entry[6]
        word = VERDICTS[body[6]] if entry[4] == 0 else OUTCOMES[body[2]] if entry[4] == 1 else ""
        yield f"{entry[2]}  {utc_text(entry[5][0] / 1e6)}  {kind}  {word}".rstrip()


def utc_text(seconds):
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s"


def read_trust(path):
    """A tuple of public keys (their SPKIs), one in DER or any number in PEM, or a list of root certificates."""
    content = open(path, "rb").read()
    roots = read_roots(content)
    if roots is not None:
        return roots
    blocks = re.findall(rb"-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----", content)
    keys = [serialization.load_pem_public_key(block) for block in blocks]
    encoding = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return tuple(key.public_bytes(*encoding) for key in keys or [serialization.load_der_public_key(content)])


def read_period(text):
    numbers = re.fullmatch(r"(\d{1,15})-(\d{1,15})", text, re.ASCII)
    if numbers is None or int(numbers[1]) > int(numbers[2]):
        raise argparse.ArgumentTypeError("not FIRST-LAST, two whole numbers")
    return int(numbers[1]), int(numbers[2])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle")
    parser.add_argument("--trust", help="public keys of which one must have signed, or root certificates (PEM)")
    parser.add_argument("--profile", help="file that the decisions must name")
    parser.add_argument("--earlier", help="checkpoint, or bundle, that you kept from before: the log must continue it")
    parser.add_argument("--period", type=read_period, help="FIRST-LAST: numbers of entries that must all be here")
    parser.add_argument("--time-authority", help="root certificates (PEM) for time stamps; openssl checks who signed")
    given = parser.parse_args()
    try:
        content = open(given.bundle, "rb").read(BYTES_MAX + 1)
        trusted = None if given.trust is None else read_trust(given.trust)
        profile = None if given.profile is None else open(given.profile, "rb").read()
        earlier = None if given.earlier is None else open(given.earlier, "rb").read(BYTES_MAX + 1)
        if given.time_authority is not None:
            open(given.time_authority, "rb").close()
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        print(f"cannot be read: {error}", file=sys.stderr)
        return 2
    findings, lines, software = verify(content, trusted, profile, earlier, given.period, given.time_authority)
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
