"""Checks many bundles in one process: bundle_many.py VERIFIER BUNDLE..., prints [exit code, lines] of each as JSON."""

import json
import os
import runpy
import sys

sys.path.insert(0, os.path.dirname(sys.argv[1]))
verify = runpy.run_path(sys.argv[1])["verify"]
reports = []
for name in sys.argv[2:]:
    findings = verify(open(name, "rb").read(), None, None)[0]
    reports.append([1 if findings.faults else 0, list(findings.lines())])
print(json.dumps(reports))
