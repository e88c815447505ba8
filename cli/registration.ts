import { randomBytes } from 'node:crypto';

import { Command } from 'commander';
import { v7 } from 'uuid';

import { makeAccountKeys } from '../bench/load/register-accounts.js';
import { bytesReplacer } from '../protocol/bytes.js';
import type { AccountId } from '../protocol/ids.js';

interface RegistrationFlags {
  readonly handle: string;
}

const help = `
Keys, signatures and all, as JSON. The private keys are thrown away: the device can be talked to by hand (docs/protocol-walk.md), and open nothing that is sealed for it.`;

/** `heliograph registration`. */
export function createRegistrationCommand(): Command {
  return new Command('registration')
    .description('Prints the body of a registration, to try the protocol without an SDK')
    .requiredOption('--handle <handle>', 'what the account is called')
    .addHelpText('after', help)
    .action(({ handle }: RegistrationFlags) => {
      const { device, ...account } = makeAccountKeys().accountOf(v7() as AccountId, randomBytes(32));
      console.log(JSON.stringify({ ...account, handle, device: { ...device, name: 'by hand' } }, bytesReplacer, 2));
    });
}
