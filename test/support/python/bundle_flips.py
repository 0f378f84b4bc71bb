"""Flips single bits of a bundle, every nth of them, and prints how many it tried and which ones were accepted.

bundle_flips.py VERIFIER BUNDLE STRIDE TRUST: with the verifier's own code, in one process; TRUST as for --trust, or "".
"""

import os
import runpy
import sys

sys.path.insert(0, os.path.dirname(sys.argv[1]))
verifier = runpy.run_path(sys.argv[1])
verify, trust = verifier["verify"], verifier["read_trust"](sys.argv[4]) if sys.argv[4] else None
whole = bytearray(open(sys.argv[2], "rb").read())
assert not verify(bytes(whole), trust, None)[0].faults, "the bundle itself is refused"
tried, accepted = 0, []
for bit in range(0, len(whole) * 8, int(sys.argv[3])):
    whole[bit // 8] ^= 1 << bit % 8
    tried += 1
    if not verify(bytes(whole), trust, None)[0].faults:
        accepted.append(bit)
    whole[bit // 8] ^= 1 << bit % 8
print(tried, accepted)
