import { startKeeper } from './keeper.mjs';

/** jest's globalSetup. */
export default async function beforeSuites() {
  process.env.HELIOGRAPH_TEST_KEEPER = await startKeeper();
}
