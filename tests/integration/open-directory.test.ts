import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { Closer } from '../../app/closer.js';
import { loadConfig } from '../../app/config/load-config.js';
import { openDataDirectory } from '../../app/data-directory.js';
import { openDirectory, type OpenedDirectory } from '../../app/open-directory.js';
import { StartError } from '../../app/start-error.js';
import { startPostgres as startConfiguredPostgres } from '../../app/start-postgres.js';
import { createLogger } from '../../telemetry/logger.js';
import { register } from '../support/directory-fixtures.js';
import { eventually } from '../support/eventually.js';
import { sql, startPostgres } from '../support/postgres.js';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.js';

const logger = createLogger('silent', { write: () => undefined });

describe('the directory of the embedded profile', () => {
  let temporary: TemporaryDirectory;
  let closer: Closer;

  beforeEach(() => {
    temporary = temporaryDirectory();
    closer = new Closer(logger);
  });
  afterEach(async () => {
    await closer.close();
    temporary.remove();
  });

  const open = async (environment: Readonly<Record<string, string>> = {}, into = closer): Promise<OpenedDirectory> => {
    const data = openDataDirectory(temporary.path);
    into.add('data directory', () => data.unlock());
    const url = await startConfiguredPostgres({ config: loadConfig(environment), data, logger, closer: into });
    return openDirectory({ url, maxConnections: 10, timeoutMs: 30_000, remedy: 'see the log', logger, closer: into });
  };
  const enginePid = () => Number(readFileSync(join(temporary.path, 'postgres', 'postgres.pid'), 'utf8').split(' ')[0]);

  test('starts a PostgreSQL of its own, ends it, and has everything when it starts again', async () => {
    const first = await open();
    const device = await register(first.accounts);
    expect(await first.ping()).toBe(true);
    const pid = enginePid();
    await closer.close();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    closer = new Closer(logger);
    const second = await open();
    expect(await second.devices.isActive(device)).toBe(true);
  });

  test('says that it does not answer while PostgreSQL recovers from a crash, and has everything afterwards', async () => {
    const directory = await open();
    const device = await register(directory.accounts);
    process.kill(enginePid(), 'SIGKILL');
    await eventually(async () => expect(await directory.ping()).toBe(false));
    await eventually(async () => expect(await directory.ping()).toBe(true));
    expect(await directory.devices.isActive(device)).toBe(true);
  });

  test('uses the PostgreSQL that is configured, and says at once what is wrong with it', async () => {
    const postgres = await startPostgres();
    closer.add('postgres', () => postgres.stop());
    const attempt = async (url: string): Promise<unknown> => {
      const own = new Closer(logger);
      try {
        return await (await open({ HELIOGRAPH_POSTGRES_URL: url }, own)).ping();
      } catch (error) {
        return error;
      } finally {
        await own.close();
      }
    };
    expect(await attempt(postgres.url)).toBe(true);
    const refused = await attempt(postgres.url.replace(/:[^:@]+@/, ':wrong@'));
    expect(refused).toMatchObject({ name: 'StartError', remedy: 'correct HELIOGRAPH_POSTGRES_URL' });
    await sql(postgres.url, `INSERT INTO schema_migration (name, checksum) VALUES ('9999-later.sql', 'x')`);
    const newer = await attempt(postgres.url);
    expect(newer).toBeInstanceOf(StartError);
    expect(newer).toMatchObject({ message: expect.stringContaining('9999-later.sql') });
  });
});
