import type { ServerPlace } from './server-place.js';

export interface Kept {
  /** A server of the profile under test, for whom it is kept. */
  readonly server: ServerPlace;
  /** A directory: what the first start of a PostgreSQL makes, as `preparePostgres` copies it. */
  readonly postgres: string;
}

/** Of the keeper of this run (tests/support/keeper.ts), which makes it when it is asked for first. Throws what went wrong with that. */
export async function askKeeper<Name extends keyof Kept>(name: Name, whose = 'all'): Promise<Kept[Name]> {
  const response = await fetch(`${process.env['HELIOGRAPH_TEST_KEEPER']}/${name}/${whose}`);
  if (!response.ok) throw new Error(`the ${name} that suites share: ${await response.text()}`);
  return (await response.json()) as Kept[Name];
}
