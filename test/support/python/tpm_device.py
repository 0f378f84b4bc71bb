"""A character device in front of swtpm: prints its path, then carries bytes both ways until it is ended.

tpm_device.py SOCKET
"""

import os
import select
import socket
import sys
import tty

near, far = os.openpty()
tty.setraw(far)
tpm = socket.socket(socket.AF_UNIX)
tpm.connect(sys.argv[1])
print("device", os.ttyname(far), flush=True)
while True:
    ready, _, _ = select.select([near, tpm], [], [])
    if near in ready:
        tpm.sendall(os.read(near, 4096))
    if tpm in ready:
        answer = tpm.recv(4096)
        if not answer:
            break
        while answer:
            answer = answer[os.write(near, answer) :]
