import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import { pythonPeer } from "./peer-process.js";

/** A character device that carries bytes to a TPM's socket; its path. Gone with the test. */
export async function openDevice(socketPath: string): Promise<string> {
  const [program, script] = pythonPeer("tpm_device");
  const peer = spawn(program, [script, socketPath], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(peer, "exit");
  onTestFinished(async () => {
    peer.kill("SIGKILL");
    await exited;
  });
  for await (const line of createInterface({ input: peer.stdout })) {
    const path = /^device (.+)$/.exec(line)?.[1];
    if (path !== undefined) return path;
  }
  throw new Error("the device ended before it began");
}
