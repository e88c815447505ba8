import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { processStartedAt } from './engines/process-identity.js';
import { StartError } from './start-error.js';

/** The directory that holds everything, and the lock that keeps a second server out. */
export interface DataDirectory {
  readonly path: string;
  /** A directory inside, for its owner alone; made if it is missing. */
  subdirectory(name: string): string;
  unlock(): void;
}

/** Throws StartError when it cannot be written or another server holds it. */
export function openDataDirectory(path: string): DataDirectory {
  const absolute = resolve(path);
  const lockFile = join(absolute, 'server.lock');
  try {
    mkdirSync(absolute, { recursive: true });
    // PostgreSQL runs as somebody else when this is root: it may pass, and sees only what is its own.
    if (process.getuid?.() === 0) chmodSync(absolute, 0o711);
    lock(lockFile);
  } catch (error) {
    if (error instanceof StartError) throw error;
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new StartError(
      `the data directory ${absolute} cannot be written (${reason})`,
      'make it writable, or set HELIOGRAPH_DATA_DIR to another one',
    );
  }
  return {
    path: absolute,
    subdirectory: (name) => {
      const directory = join(absolute, name);
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      return directory;
    },
    unlock: () => {
      rmSync(lockFile, { force: true });
    },
  };
}

/** The lock names its holder by pid and start time, so a pid that the system gave to another process does not count. */
function lock(lockFile: string): void {
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      const file = openSync(lockFile, 'wx');
      writeSync(file, `${process.pid} ${processStartedAt(process.pid) ?? ''}\n`);
      closeSync(file);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const [pid = '', startedAt = ''] = readFileSync(lockFile, 'utf8').trim().split(' ');
    if (startedAt !== '' && processStartedAt(Number(pid)) === startedAt) {
      throw new StartError(
        `another server (process ${pid}) uses the data directory of ${lockFile}`,
        'stop it, or set HELIOGRAPH_DATA_DIR to another directory',
      );
    }
    rmSync(lockFile, { force: true });
  }
  throw new Error('the lock file keeps coming back');
}
