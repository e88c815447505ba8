import { readFileSync } from 'node:fs';

import { InvalidArgumentError } from 'commander';

/** What stands in a passphrase file, without the newline at its end. For commander. */
export function passphraseOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}
