import { inParallel } from './in-parallel.js';
import { Link, type LinkEvents } from './link.js';
import { localAddress } from './local-addresses.js';
import type { LoadDevice, Wire } from './wire.js';

const openAtOnce = 64;

export interface IdleSessions {
  /** Sockets that the server closed since. */
  lost(): number;
  close(): Promise<void>;
}

/** Opens one session for each device, at the urls in turn, and keeps them. Rejects when one cannot be opened. */
export async function openIdleSessions(urls: readonly string[], wire: Wire, devices: readonly LoadDevice[]): Promise<IdleSessions> {
  const links: Link[] = [];
  let lost = 0;
  const nothing = (): void => undefined;
  const events: LinkEvents = {
    accepted: nothing,
    delivered: nothing,
    receipted: nothing,
    refused: nothing,
    lost: () => {
      lost += 1;
    },
  };
  const close = async (): Promise<void> => {
    await Promise.all(links.map((link) => link.close()));
  };
  try {
    await inParallel(devices, openAtOnce, async (device, index) => {
      const url = urls[index % urls.length] ?? '';
      const link = new Link({ url, wire, device, localAddress: localAddress(new URL(url).hostname, index) }, events);
      links.push(link);
      await link.opened;
    });
  } catch (error) {
    await close();
    throw error;
  }
  return { lost: () => lost, close };
}
