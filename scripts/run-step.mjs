import { spawn } from 'node:child_process';

const keptBytes = 200_000;

export const say = (line) => process.stdout.write(`${line}\n`);

/** `1.2 s`, from a `Date.now()` reading. */
export const secondsSince = (startMs) => `${((Date.now() - startMs) / 1000).toFixed(1)} s`;

/**
 * Runs a command quietly, with a sign of life now and then under the given label. Resolves to its exit code and the end of its output;
 * a command that cannot be started counts as code 127.
 */
export function runStep({ label, command, args, cwd, reminderMs = 5_000 }) {
  const startMs = Date.now();
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const reminder = setInterval(() => say(`  ${label}: still working, ${secondsSince(startMs)}`), reminderMs);
    let output = '';
    const keep = (chunk) => (output = (output + chunk).slice(-keptBytes));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const done = (code) => {
      clearInterval(reminder);
      resolve({ code, output });
    };
    child.on('error', (error) => {
      output += error.message;
      done(127);
    });
    child.on('close', (code) => done(code ?? 1));
  });
}

/** The line of a tool's output that most likely says what went wrong. */
export function tellingLine(output, pattern) {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return lines.find((line) => pattern.test(line)) ?? lines.at(-1) ?? 'it said nothing';
}
