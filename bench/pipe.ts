/**
 * The floor: a process that only moves bytes between a client and the device, on `node:net`, without looking.
 * usage: pipe DEVICE_PORT      prints {"port": N} when it listens
 */
import { connect, createServer } from "node:net";

const HOST = "127.0.0.1";
const devicePort = Number(process.argv[2]);

const server = createServer({ noDelay: true }, (north) => {
  const south = connect({ host: HOST, port: devicePort, noDelay: true });
  const end = (): void => {
    north.destroy();
    south.destroy();
  };
  for (const socket of [north, south]) socket.on("error", end).on("close", end);
  north.pipe(south);
  south.pipe(north);
});
server.listen(0, HOST, () => {
  console.log(JSON.stringify(server.address()));
});
process.on("SIGTERM", () => process.exit(0));
