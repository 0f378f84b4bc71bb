import { once } from "node:events";
import { connect, createServer } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { isSelfConnection } from "../../../../src/adapters/modbus-client/self-connection.js";
import { listen } from "../../../support/modbus-server.js";

it("knows a connection that met itself, which echoes every write", async () => {
  const server = createServer();
  const port = await listen(server);
  server.close();
  await once(server, "close");
  const socket = connect({ host: "127.0.0.1", port, localPort: port });
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  expect(isSelfConnection(socket)).toBe(true);
});

it("takes a connection to a server for what it is", async () => {
  const server = createServer((socket) => socket.end());
  onTestFinished(() => void server.close());
  const socket = connect({ host: "127.0.0.1", port: await listen(server) });
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  expect(isSelfConnection(socket)).toBe(false);
});
