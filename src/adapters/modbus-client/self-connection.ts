import type { Socket } from "node:net";

/**
 * True when both ends are one. A connect to a port of this machine that nobody listens on can meet itself (TCP
 * simultaneous open); the socket would then return every FC5 and FC6 as its own perfect acknowledgement.
 */
export function isSelfConnection(
  socket: Pick<Socket, "localAddress" | "localPort" | "remoteAddress" | "remotePort">,
): boolean {
  return socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress;
}
