"""The Merkle tree of RFC 9162. Part of verify_bundle.py."""

import hashlib


def sha256(content):
    return hashlib.sha256(content).digest()


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


def growth_roots(size1, size2, path, perfect):
    """RFC 9162 section 2.1.4.2: the older root and the newer one that the path leads to; None: it has another length.

    `perfect`: the older root, used only where its size is a power of two, as the path leaves it out there.
    """
    if size1 == 0 or size1 >= size2 or not path:
        return None
    nodes = ([perfect] if is_power_of_two(size1) else []) + path
    older = newer = nodes[0]
    at, last = size1 - 1, size2 - 1
    while at % 2 == 1:
        at, last = at // 2, last // 2
    for beside in nodes[1:]:
        if last == 0:
            return None
        if at % 2 == 1 or at == last:
            older, newer = sha256(b"\x01" + beside + older), sha256(b"\x01" + beside + newer)
            while at % 2 == 0 and at != 0:
                at, last = at // 2, last // 2
        else:
            newer = sha256(b"\x01" + newer + beside)
        at, last = at // 2, last // 2
    return (older, newer) if last == 0 else None


def perfect_before(size, index, path):
    """Root of the first 2^n leaves, the most that are before this one: the outermost left-hand node on its path."""
    left, at, last = None, index, size - 1
    for beside in path:
        if last == 0:
            break
        if at % 2 == 1 or at == last:
            left = beside
            while at % 2 == 0 and at != 0:
                at, last = at // 2, last // 2
        at, last = at // 2, last // 2
    return left


def is_power_of_two(size):
    return size & (size - 1) == 0
