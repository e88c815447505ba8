/** One step of a schema: what it is called, and a digest of what it does. */
export interface MigrationId {
  readonly name: string;
  readonly checksum: string;
}

/** The database is not one that this version may work on. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

/** Those of this version that the database has not taken, in their order. Throws MigrationError when it has one that is unknown here, or that was changed since. */
export function pendingMigrations<Migration extends MigrationId>(applied: readonly MigrationId[], own: readonly Migration[]): readonly Migration[] {
  for (const { name, checksum } of applied) {
    const migration = own.find((of) => of.name === name);
    if (migration === undefined) {
      throw new MigrationError(`the database has migration ${name}, which this version does not know: it was used by a newer one`);
    }
    if (migration.checksum !== checksum) throw new MigrationError(`migration ${name} was changed after the database took it`);
  }
  const known = new Set(applied.map(({ name }) => name));
  return own.filter(({ name }) => !known.has(name));
}
