/** `npm test [-- arguments of jest]`: prepares the checkout, runs jest and ends with one line `N passed, N failed`. */
import { prepare } from './prepare.mjs';
import { runJest } from './run-jest.mjs';
import { say } from './run-step.mjs';
import { runScript } from './set-up-error.mjs';

await runScript(() => prepare({ testServer: true, schemathesis: true }));
const { code, passed, failed } = await runJest(process.argv.slice(2));
say(`${passed} passed, ${failed} failed`);
process.exitCode = code;
