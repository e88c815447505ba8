import { lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';

import ipaddr from 'ipaddr.js';

/** A name led to an address that nobody outside should reach from here. */
export class PrivateAddressError extends Error {
  override readonly name = 'PrivateAddressError';
}

/** Whether an IP address is one of the public internet; `undefined` for a host name. */
export function isPublicAddress(host: string): boolean | undefined {
  const address = host.replace(/^\[(.*)\]$/, '$1');
  return isIP(address) === 0 ? undefined : ipaddr.process(address).range() === 'unicast';
}

/** Looks a host name up for a connection; fails if one of its addresses is not public. */
export const lookupPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, found) => {
    // With an error there are no addresses.
    const [first] = error === null ? found : [];
    if (first === undefined) callback(error ?? new Error('no address'), '');
    else if (!found.every(({ address }) => isPublicAddress(address) === true)) callback(new PrivateAddressError('not a public address'), '');
    else if (options.all === true) callback(null, found);
    else callback(null, first.address, first.family);
  });
};
