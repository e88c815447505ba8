/** Sockets from one address to one port are limited by the local ports; few enough that a machine's 28,000 are never short. */
const socketsPerAddress = 2_000;

const loopback = /^127\.|^localhost$/;

/**
 * The local address for the nth socket to a host: towards this machine another `127.x.y.z` every 2,000 sockets,
 * elsewhere `undefined`: whatever the system chooses.
 */
export function localAddress(host: string, index: number): string | undefined {
  if (!loopback.test(host)) return undefined;
  const block = Math.floor(index / socketsPerAddress);
  return `127.77.${(block >> 8) & 255}.${(block & 255) + 1}`;
}
