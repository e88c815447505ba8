import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

import { buildWhenStale } from './build.mjs';
import { checkNode } from './check-node.mjs';
import { installPackages } from './install-packages.mjs';
import { runScript } from './set-up-error.mjs';
import { setUpSchemathesis } from './setup-schemathesis.mjs';
import { setUpTemporal } from './setup-temporal.mjs';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Brings a checkout to where it runs, or is tested: packages, Temporal, build. Quick and silent when there is nothing to do.
 * Returns the path of the Temporal CLI if one will be needed. Throws SetUpError.
 */
export async function prepare({ testServer = false, schemathesis = false } = {}) {
  checkNode();
  const installs = [installPackages(root), setUpTemporal(root, { testServer }), ...(schemathesis ? [setUpSchemathesis(root)] : [])];
  // What was begun ends before a failure is told.
  const failed = (await Promise.allSettled(installs)).find(({ status }) => status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  await buildWhenStale(root);
  return { temporalCli: await installs[1] };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runScript(() => prepare({ testServer: true, schemathesis: true }));
}
