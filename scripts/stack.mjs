/** `npm run stack [-- command]`: brings what the engines need, then becomes `heliograph stack`. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { prepare, root } from './prepare.mjs';
import { runScript } from './set-up-error.mjs';
import { setUpStack } from './setup-stack.mjs';

await runScript(async () => {
  await prepare({ testServer: true });
  await setUpStack(root);
});

const program = join(root, 'dist', 'cli', 'main.js');
process.argv.splice(1, 1, program, 'stack');
await import(pathToFileURL(program).href);
