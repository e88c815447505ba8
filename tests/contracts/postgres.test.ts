import { readdirSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { migrate } from '../../adapters/postgres/migrate.js';
import { MigrationError } from '../../core/pending-migrations.js';
import { createPostgresDirectory } from '../../adapters/postgres/postgres-directory.js';
import type { PostgresPool } from '../../adapters/postgres/postgres-pool.js';
import { deviceList, newRegistration, register } from '../support/directory-fixtures.js';
import { eventually } from '../support/eventually.js';
import { openPool, sql, startPostgres, type TestPostgres } from '../support/postgres.js';
import { startTcpProxy } from '../support/tcp-proxy.js';
import { accountsContract } from './accounts-contract.js';
import { conversationsContract } from './conversations-contract.js';
import { deviceLinksContract } from './device-links-contract.js';
import { devicesContract } from './devices-contract.js';
import { channelsContract } from './channels-contract.js';
import { groupsContract } from './groups-contract.js';
import { mediaContract } from './media-contract.js';
import { prekeysContract } from './prekeys-contract.js';
import { pushSubscriptionsContract } from './push-subscriptions-contract.js';
import { privacyContract } from './privacy-contract.js';
import { removalsContract } from './removals-contract.js';

let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

const open = () => postgres.openDirectory();
accountsContract('postgres', open);
devicesContract('postgres', open);
deviceLinksContract('postgres', open);
prekeysContract('postgres', open);
conversationsContract('postgres', open);
groupsContract('postgres', open);
channelsContract('postgres', open);
pushSubscriptionsContract('postgres', open);
privacyContract('postgres', open);
mediaContract('postgres', open);
removalsContract('postgres', open);

describe('migrations of PostgreSQL', () => {
  const applied = (url: string) => sql<{ name: string; applied_at: Date }>(url, 'SELECT name, applied_at FROM schema_migration ORDER BY name');

  test('run once, however many processes start at once, and again later', async () => {
    const url = await postgres.newSchema();
    const pools = Array.from({ length: 6 }, () => openPool(url));
    await Promise.all(pools.map((pool) => migrate(pool)));
    const first = await applied(url);
    expect(first.map(({ name }) => name)).toEqual(readdirSync('adapters/postgres/migrations').sort());
    await Promise.all(pools.map((pool) => migrate(pool)));
    expect(await applied(url)).toEqual(first);
    await register(createPostgresDirectory(pools[0] as PostgresPool).accounts);
    await Promise.all(pools.map((pool) => pool.close()));
  });

  test.each([
    ['a newer version used', `INSERT INTO schema_migration (name, checksum) VALUES ('9999-later.sql', 'x')`, '9999-later.sql'],
    ['has a migration that was changed since', `UPDATE schema_migration SET checksum = 'x' WHERE name LIKE '0001-%'`, '0001-directory.sql'],
  ])('refuse a database that %s, by name', async (_, change, name) => {
    const url = await postgres.newSchema();
    const pool = openPool(url);
    await migrate(pool);
    await sql(url, change);
    await expect(migrate(pool)).rejects.toThrow(name);
    await expect(migrate(pool)).rejects.toBeInstanceOf(MigrationError);
    await pool.close();
  });

  test('leave nothing behind of one that fails, and go on once its cause is gone', async () => {
    const url = await postgres.newSchema();
    const pool = openPool(url);
    await sql(url, 'CREATE TABLE member (something text)');
    await expect(migrate(pool)).rejects.toThrow('member');
    const tables = await sql(
      url,
      `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = 'account'`,
    );
    expect([tables, await applied(url)]).toEqual([[], []]);
    await sql(url, 'DROP TABLE member');
    await migrate(pool);
    await register(createPostgresDirectory(pool).accounts);
    await pool.close();
  });
});

describe('a PostgreSQL that is slow', () => {
  test('is unavailable to who waits for a row or for a connection too long, and leaves neither taken', async () => {
    const url = await postgres.newSchema();
    const [holder, pool] = [openPool(url), openPool(url, 1)];
    await migrate(pool);
    const { devices, accounts } = createPostgresDirectory(pool);
    const device = await register(accounts);
    const away = { code: 'unavailable', retryAfterMs: 1_000 };
    await holder.transaction(async (runner) => {
      await runner.rows('lock-account', device.accountId);
      const waitingForRow = expect(devices.revoke(device, deviceList(2), 0)).rejects.toMatchObject(away);
      const waitingForConnection = expect(devices.isActive(device)).rejects.toMatchObject(away);
      await Promise.all([waitingForRow, waitingForConnection]);
    });
    await devices.revoke(device, deviceList(2), 0);
    expect(await devices.isActive(device)).toBe(false);
    await Promise.all([holder.close(), pool.close()]);
  });
});

describe('a PostgreSQL that goes away', () => {
  test.each(['SIGINT', 'SIGKILL'] as const)('is unavailable after %s and nothing else, and is used again once it is back', async (signal) => {
    const directory = await open();
    const device = await register(directory.accounts);
    postgres.interrupt(signal);
    const away = { code: 'unavailable', retryAfterMs: 1_000, message: 'the directory is away' };
    await eventually(() => expect(directory.devices.isActive(device)).rejects.toMatchObject(away));
    await eventually(async () => {
      const active = await directory.devices.isActive(device).catch((error: unknown) => (error as { code: string }).code);
      expect(['unavailable', true]).toContain(active);
      expect(active).toBe(true);
    });
    await directory.dispose();
  });

  test('in the middle of a transaction makes that one unavailable, and leaves the process alive', async () => {
    const pool = openPool(await postgres.newSchema());
    await migrate(pool);
    const directory = createPostgresDirectory(pool);
    const device = await register(directory.accounts);
    const { account } = newRegistration();
    const cut = pool.transaction(async (runner) => {
      await runner.change('insert-account', account.accountId, account.handle, account.identityKey, 1, Buffer.alloc(64), 0);
      postgres.interrupt('SIGKILL');
      // A backend lives on for a moment after its postmaster.
      for (let attempts = 0; attempts < 1_000; attempts++) {
        await runner.rows('find-account-by-id', account.accountId);
        await setTimeout(5);
      }
    });
    await expect(cut).rejects.toMatchObject({ code: 'unavailable' });
    await eventually(async () => expect(await directory.devices.isActive(device)).toBe(true));
    expect(await directory.accounts.byId(account.accountId)).toBeUndefined();
    await pool.close();
  });

  test('just after the pool was closed is no loss to report', async () => {
    const lost: Error[] = [];
    const proxy = await startTcpProxy(Number(new URL(postgres.url).port));
    const url = new URL(await postgres.newSchema());
    url.port = String(proxy.port);
    const pool = openPool(url.href, 1, (error) => lost.push(error));
    const [backend] = await pool.apart(async (client) => {
      expect(await pool.ping()).toBe(true);
      const others = `SELECT pid FROM pg_stat_activity WHERE application_name = 'heliograph' AND client_port IS NOT NULL AND state = 'idle' AND pid <> pg_backend_pid()`;
      return (await client.query<{ pid: number }>(others)).rows;
    });
    proxy.freeze();
    await pool.close();
    await sql(postgres.url, `SELECT pg_terminate_backend(${backend?.pid ?? 0})`);
    proxy.thaw();
    await setTimeout(200);
    expect([backend, lost]).toEqual([{ pid: expect.any(Number) }, []]);
    await proxy.close();
  });
});
