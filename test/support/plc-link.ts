import { expect, onTestFinished } from "vitest";
import { connectPlc } from "../../src/adapters/modbus-client/plc-link.js";
import type { PlcLink } from "../../src/guard/ports.js";
import { createManualClock, type ManualClock } from "./host-clock.js";
import { whenIdle } from "./plc-call.js";
import { startRogue, type RogueDevice } from "./rogue-device.js";

export const UNIT = 7;
export const TIMEOUT_US = 500_000;
/** Bounds of the wait before connecting again; neither equals the timeout. */
export const FIRST_US = 50_000;
export const MOST_US = 400_000;
export const READ_TWO = { table: "hr", address: 10, quantity: 2 } as const;

/** A link that is up to a device that does as told; both end with the test. `asked(n)`: n requests came. */
export async function startLink(onRequest: Parameters<typeof startRogue>[0]): Promise<{
  readonly link: PlcLink;
  readonly device: RogueDevice;
  readonly clock: ManualClock;
  readonly asked: (count: number) => Promise<void>;
}> {
  let wake = (): void => undefined;
  const device = await startRogue((request, socket, count) => {
    onRequest(request, socket, count);
    wake();
  });
  onTestFinished(device.close);
  const { link, clock } = connectTo(device.port);
  await whenIdle(link);
  const asked = async (count: number): Promise<void> => {
    while (device.requests.length < count) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { link, device, clock, asked };
}

export function connectTo(
  port: number,
  host = "127.0.0.1",
): { readonly link: PlcLink; readonly clock: ManualClock } {
  const clock = createManualClock();
  const link = connectPlc({
    host,
    port,
    unit: UNIT,
    timeoutUs: TIMEOUT_US,
    clock,
    hostClock: clock,
    reconnect: { firstUs: FIRST_US, mostUs: MOST_US },
  });
  onTestFinished(link.close);
  return { link, clock };
}

/** The old connection ends, a new one comes after the wait, and not before. */
export async function expectNewConnection(
  link: PlcLink,
  device: RogueDevice,
  clock: ManualClock,
): Promise<void> {
  await device.ended(1);
  await lineDown(link);
  expect(link.idle()).toBe(false);
  const idle = whenIdle(link);
  clock.advance(FIRST_US - 1);
  expect(link.idle()).toBe(false);
  clock.advance(1);
  await idle;
  expect(device.connections()).toBe(2);
}

async function lineDown(link: PlcLink): Promise<void> {
  while (link.idle()) await new Promise((resolve) => setImmediate(resolve));
}

/** How long the link waits before it connects again; the clock is moved past it. */
export async function passBackOff(clock: ManualClock): Promise<number> {
  // Until the link has heard of the end, its only timer is the one for connecting, if any.
  while (clock.waiting() === 0 || clock.dueInUs() === TIMEOUT_US) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  const waitUs = clock.dueInUs();
  clock.advance(waitUs);
  return waitUs;
}
