"""Certificates that no honest authority issues: make_chain.py KIND SPKI FOLDER writes root.der and leaf.der there.

usual: as holdpoint ca would; rsa: the root has an RSA key; late: issued after the root had ended; early: before it began;
not-issuer: the root may sign no others; no-usage: not for an attestation key; two-names: two common names;
no-name: a subject without a name in it.
"""

import sys
from datetime import datetime, timedelta
from os.path import join

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

kind, spki, folder = sys.argv[1:]
key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
began, ended = datetime(2020, 1, 1), datetime(2021, 1, 1)
issued = {"late": ended + timedelta(seconds=1), "early": began - timedelta(seconds=1)}.get(kind, ended)


def names(*texts):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text) for text in texts])


def build(subject, public_key, since, extensions):
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(names("Odd CA")).public_key(public_key)
    builder = builder.not_valid_before(since).not_valid_after(ended if since == began else since + timedelta(days=1))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.serial_number(x509.random_serial_number()).sign(key, hashes.SHA256())


issuer = [x509.BasicConstraints(ca=kind != "not-issuer", path_length=None)]
usage = [] if kind == "no-usage" else [x509.ExtendedKeyUsage([x509.ObjectIdentifier("2.23.133.8.3")])]
subject = {"two-names": names("gw-7", "gw-7"), "no-name": names()}.get(kind, names("gw-7"))
attested = serialization.load_der_public_key(open(spki, "rb").read())
made = {"root": build(names("Odd CA"), key.public_key(), began, issuer), "leaf": build(subject, attested, issued, usage)}
for name, certificate in made.items():
    open(join(folder, f"{name}.der"), "wb").write(certificate.public_bytes(serialization.Encoding.DER))
