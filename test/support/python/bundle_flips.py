"""Flips single bits of a bundle, every nth of them, and prints how many it tried and which ones were accepted.

bundle_flips.py VERIFIER BUNDLE STRIDE: with the verifier's own code, in one process.
"""

import os
import runpy
import sys

sys.path.insert(0, os.path.dirname(sys.argv[1]))
verify = runpy.run_path(sys.argv[1])["verify"]
whole = bytearray(open(sys.argv[2], "rb").read())
assert not verify(bytes(whole), None, None)[0].faults, "the bundle itself is refused"
tried, accepted = 0, []
for bit in range(0, len(whole) * 8, int(sys.argv[3])):
    whole[bit // 8] ^= 1 << bit % 8
    tried += 1
    if not verify(bytes(whole), None, None)[0].faults:
        accepted.append(bit)
    whole[bit // 8] ^= 1 << bit % 8
print(tried, accepted)
