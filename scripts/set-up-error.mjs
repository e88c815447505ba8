/** A reason why set-up cannot go on, with what the reader can do about it. Shown as one line, without a stack. */
export class SetUpError extends Error {
  constructor(problem, remedy) {
    super(`${problem.replace(/[.\s]+$/, '')}. ${remedy}`);
    this.name = 'SetUpError';
  }
}

/** Runs a script's main function; a failure becomes one line and exit code 1. */
export async function runScript(main) {
  try {
    await main();
  } catch (error) {
    const line =
      error instanceof SetUpError ? error.message : `Unexpected failure of the set-up: ${error instanceof Error ? error.message : String(error)}`;
    process.stderr.write(`heliograph: ${line.replaceAll(/\s*\n\s*/g, ' ')}\n`);
    process.exit(1);
  }
}
