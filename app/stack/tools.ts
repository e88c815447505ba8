import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { StartError } from '../start-error.js';

/** Something that set-up put into `.tools`: this file is at app/stack/ of the checkout, or of its dist/. Throws StartError. */
export function toolPath(path: string): string {
  const candidates = [`../../.tools/${path}`, `../../../.tools/${path}`].map((candidate) => fileURLToPath(new URL(candidate, import.meta.url)));
  const found = candidates.find((candidate) => existsSync(candidate));
  if (found !== undefined) return found;
  throw new StartError(`${path} is not installed`, 'run `npm run stack`, which installs it');
}
