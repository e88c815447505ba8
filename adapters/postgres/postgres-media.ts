import { requireAttachable } from '../../core/media-rules.js';
import type { DeletedMedia, Media } from '../../ports/media.js';
import { DomainError } from '../../protocol/errors.js';
import type { AccountId, BlobId, ConversationId } from '../../protocol/ids.js';
import type { MediaEnd } from '../../protocol/rest/media.js';
import type { PostgresPool, PostgresRunner } from './postgres-pool.js';

interface BlobRow {
  readonly blob_id: BlobId;
  readonly size: number;
  readonly sha256: Buffer;
  readonly reason: MediaEnd;
  readonly ended_at_ms: number | null;
}

interface LockedRow {
  readonly blob_id: BlobId;
  readonly owner_id: AccountId;
  readonly channel_id: ConversationId | null;
  readonly ended_at_ms: number | null;
}

interface DueRow {
  readonly due_at_ms: number;
}

export function createPostgresMedia(pool: PostgresPool): Media {
  return {
    create: async ({ blobId, ownerId, size, sha256, createdAtMs, notBeforeMs, dueAtMs }) => {
      await pool.change('insert-blob', blobId, ownerId, size, sha256, createdAtMs, notBeforeMs, dueAtMs);
    },
    find: async (blobId, accountId) => {
      const [row] = await pool.rows<BlobRow>('find-blob', blobId, accountId);
      if (row === undefined) return undefined;
      const { size, sha256, reason, ended_at_ms: atMs } = row;
      return { blobId, size, sha256, ended: atMs === null ? undefined : { reason, atMs } };
    },
    attach: (blobIds, { ownerId, dueAtMs }, { recipients, channelId }) =>
      pool.transaction(async (runner) => {
        const locked = await runner.rows<LockedRow>('lock-blobs', blobIds);
        requireAttachable(locked.map(attachableOf), { blobIds, ownerId, channelId });
        const columns = [recipients.map(({ accountId }) => accountId), recipients.map(({ deviceId }) => deviceId)];
        await runner.change('insert-blob-recipients', blobIds, ...columns);
        return dueTimes(await runner.rows<DueRow>('attach-blobs', blobIds, dueAtMs, channelId ?? null));
      }),
    fetched: (blobId, { accountId, deviceId }, { nowMs, dueAtMs }) =>
      pool.transaction(async (runner) => {
        // Of two devices that are the last at once, the second sees that the first has it.
        await runner.rows<LockedRow>('lock-blobs', [blobId]);
        const marked = await runner.change('mark-blob-fetched', blobId, accountId, deviceId, nowMs);
        if (marked === 0) throw new DomainError('not_found', 'blobId: no such file waits for this device', { detail: { field: 'blobId' } });
        return settle(runner, [blobId], dueAtMs);
      }),
    deviceRemoved: ({ accountId, deviceId }, dueAtMs) =>
      pool.transaction(async (runner) => {
        const awaited = await runner.rows<{ blob_id: BlobId }>('lock-blobs-awaited-by', accountId, deviceId);
        return settle(
          runner,
          awaited.map((row) => row.blob_id),
          dueAtMs,
        );
      }),
    revoke: (blobId, ownerId, nowMs) =>
      pool.transaction(async (runner) => {
        const [media] = await runner.rows<LockedRow>('lock-blobs', [blobId]);
        if (media?.owner_id !== ownerId) throw new DomainError('not_found', 'the account has no such file');
        return dueTimes(await runner.rows<DueRow>('revoke-blob', blobId, ownerId, nowMs));
      }),
    revokeAll: async (ownerId, nowMs, limit) => {
      const rows = await pool.rows<DueRow>('revoke-blobs-of-owner', ownerId, nowMs, limit);
      return { files: rows.length, dueAtMs: dueTimes(rows) };
    },
    endDue: async ({ afterMs, untilMs }, nowMs, limit) => {
      const rows = await pool.rows<{ blob_id: BlobId }>('end-due-blobs', afterMs, untilMs, nowMs, limit);
      return rows.map((row) => row.blob_id);
    },
    markDeleted: async (blobIds, nowMs) => pool.rows<DeletedMedia>('mark-blobs-deleted', blobIds, nowMs),
    firstDue: async ({ afterMs, untilMs }) => {
      const [row] = await pool.rows<{ due_at_ms: number | null }>('find-due-blob', afterMs, untilMs);
      return row?.due_at_ms ?? undefined;
    },
    forget: (deletedBeforeMs, limit) => pool.change('forget-blobs', deletedBeforeMs, limit),
  };
}

function attachableOf({ blob_id: blobId, owner_id: ownerId, channel_id: channelId, ended_at_ms: endedAtMs }: LockedRow) {
  return { blobId, ownerId, channelId: channelId ?? undefined, hasEnded: endedAtMs !== null };
}

async function settle(runner: PostgresRunner, blobIds: readonly BlobId[], dueAtMs: number): Promise<readonly number[]> {
  return dueTimes(await runner.rows<DueRow>('settle-blobs', blobIds, dueAtMs));
}

function dueTimes(rows: readonly DueRow[]): readonly number[] {
  return [...new Set(rows.map((row) => row.due_at_ms))];
}
