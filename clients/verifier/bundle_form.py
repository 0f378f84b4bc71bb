"""What is in a proof bundle: read strictly, every field in its one form. Part of verify_bundle.py."""

import io

import cbor2

SELF_DESCRIBED = bytes.fromhex("d9d9f7")
BYTES_MAX = 64 * 1024 * 1024
UINT_MAX = 2**53 - 1
DEPTH_MAX, ITEMS_MAX = 16, 2**20
# Tags that the format has: COSE_Sign1, and a decimal fraction.
TAGS = (18, 4)
TYPES = """decision outcome boot mode trip safe-step lease approval bypass operator-act profile site key anchor flood
device clock snapshot notice""".split()
OUTCOMES = """done acknowledged exception unknown withdrawn no-change crash-unknown resolved-done resolved-not-done
dry-run""".split()


class Wrong(Exception):
    """What is not as it must be, in words."""


def demand(holds, why):
    if not holds:
        raise Wrong(why)


def is_uint(value):
    return type(value) is int and 0 <= value <= UINT_MAX


def is_bytes(value, length=None):
    return type(value) is bytes and (length is None or len(value) == length)


def is_list(value, least):
    return type(value) is list and len(value) >= least and all(is_bytes(one) for one in value)


class Heads:
    """The heads of an item, read before anything is made of it: only what the format has, and so much of it.

    A library makes of some tags what costs far more than their bytes: values that are shared, numbers of any length.
    """

    def __init__(self, content, most):
        self.content, self.at, self.left = content, 0, most

    def skip(self, depth=0, majors=range(8)):
        head = self.content[self.at]
        major, argument = head >> 5, head & 31
        self.left -= 1
        demand(self.left >= 0 and depth <= DEPTH_MAX and major in majors, "items")
        self.at += 1
        if major == 7:
            demand(head in (0xF4, 0xF5, 0xF6), "neither false nor true nor null")
            return
        if argument >= 24:
            demand(argument <= 27, "length")
            width = 1 << (argument - 24)
            argument = int.from_bytes(self.content[self.at : self.at + width], "big")
            self.at += width
        if major in (2, 3):
            self.at += argument
        elif major == 4:
            for _ in range(argument):
                self.skip(depth + 1)
        elif major == 5:
            for _ in range(argument):
                self.skip(depth, (0, 1, 3))
                self.skip(depth + 1)
        elif major == 6:
            demand(argument in TAGS, "tag")
            self.skip(depth + 1)


def decode(content, why, most=ITEMS_MAX):
    """One item in core-deterministic CBOR: what it decodes to must encode to the same bytes."""
    try:
        Heads(content, most).skip()
        value = cbor2.load(io.BytesIO(content))
        same = cbor2.dumps(value, canonical=True) == content
    except Exception:  # whatever is stumbled over is no canonical item
        same = False
    demand(same, why)
    return value


def read_bundle(content):
    demand(len(content) <= BYTES_MAX, "it is too long to be a bundle")
    no_bundle = "it is no proof bundle of this version"
    demand(content.startswith(SELF_DESCRIBED), no_bundle)
    # The tag before it is an item, too.
    bundle = decode(content[len(SELF_DESCRIBED) :], "it is not one item of canonical CBOR", ITEMS_MAX - 1)
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
    headers = "not a COSE_Sign1 (headers)"
    head = decode(protected, headers)
    demand(type(head) is dict and 2 not in {**head, **unprotected} and not set(head) & set(unprotected), headers)
    demand(is_uint(head.get(-70006, 0)), "a counter that is no number")
    demand(-70004 not in head or is_commit_key(head[-70004]), "no Ed25519 commit key")
    demand(-70005 not in head or is_bytes(head[-70005], 32), "a time token that is no hash")
    labels = {1, 4, 15, 16, 395, -70001, -70002, -70003}
    demand(set(head) - {-70004, -70005, -70006} == labels, "protected headers of another version")
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
    return protected, head, root, signature, read_growth(unprotected)


def is_commit_key(key):
    """The COSE_Key {1: 1, -1: 6, -2: x} of Ed25519, in its one form."""
    return is_bytes(key, 40) and key.startswith(bytes.fromhex("a301012006215820"))


def read_growth(unprotected):
    """[size1, size2, path] of the one consistency proof (RFC 9942); None: there is none."""
    if not unprotected:
        return None
    proofs = unprotected.get(396)
    demand(set(unprotected) == {396} and type(proofs) is dict, "unprotected headers of another version")
    demand(len(proofs) == 1, "unprotected headers of another version")
    demand(type(proofs.get(-2)) is list and len(proofs[-2]) == 1, "not one consistency proof")
    demand(is_bytes(proofs[-2][0]), "a consistency proof that is no byte string")
    return read_consistency(proofs[-2][0], "a consistency proof of another shape")


def read_consistency(content, shape):
    proof = decode(content, shape)
    demand(type(proof) is list and len(proof) == 3 and is_uint(proof[0]) and is_uint(proof[1]), shape)
    demand(is_list(proof[2], 0) and len(proof[2]) <= 2 * 53 and all(len(one) == 32 for one in proof[2]), shape)
    return proof


def read_earlier(content):
    """A checkpoint as it is in the log or a file, or the one of another bundle."""
    is_bundle = content.startswith(SELF_DESCRIBED)
    return read_checkpoint(read_bundle(content)[1] if is_bundle else content)


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
