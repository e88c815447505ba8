import { stopKeeper } from './keeper.mjs';

/** jest's globalTeardown. */
export default stopKeeper;
