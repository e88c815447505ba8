import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { StartError } from './start-error.js';

/** A secret of the data directory, made at the first start; only its owner can read it. A start that is cut short leaves no half of it. Throws StartError. */
export function keptSecret(directory: string, name: string, make: () => string): string {
  const file = join(directory, name);
  try {
    if (!existsSync(file)) {
      writeFileSync(`${file}.new`, make(), { mode: 0o600 });
      renameSync(`${file}.new`, file);
    }
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new StartError(`the ${name} cannot be read from ${file} (${reason})`, 'give it back to the user who runs Heliograph');
  }
}
