import { execFile } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { promisify } from 'node:util';

import { askKeeper } from './keeper-client.js';

/** Puts `postgres/` and `keys/` of a PostgreSQL that never ran into the directory, owners and all, so that its start need not make them: that takes two seconds of a processor. */
export async function preparePostgres(directory: string): Promise<void> {
  await promisify(execFile)('cp', ['-a', `${await askKeeper('postgres')}/.`, directory]);
  // PostgreSQL runs as somebody else when this is root.
  await chmod(directory, 0o711);
}
