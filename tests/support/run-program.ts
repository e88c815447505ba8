import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export interface ProgramOutcome {
  readonly code: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningProgram {
  readonly process: ChildProcess;
  /** What it wrote to stdout so far. */
  stdout(): string;
  /** Resolves when it is gone and its output is complete. */
  readonly ended: Promise<ProgramOutcome>;
}

export interface ProgramOptions {
  /** It sees nothing else of this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** All that it can read; without it, its input stays open. */
  readonly input?: string;
  readonly onOutput?: (text: string) => void;
}

const path = { PATH: process.env['PATH'] ?? '' };

export function runProgram(command: string, args: readonly string[], { env = {}, cwd, input, onOutput }: ProgramOptions = {}): RunningProgram {
  const child = spawn(command, args, { cwd, env: { ...path, ...env }, stdio: 'pipe' });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
    onOutput?.(text);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const ended = new Promise<ProgramOutcome>((resolve) => {
    child.once('close', (code, signal) => resolve({ code: code ?? signal ?? 1, ...output }));
  });
  if (input !== undefined) child.stdin.end(input);
  return { process: child, stdout: () => output.stdout, ended };
}

export function runNode(args: readonly string[], options: ProgramOptions = {}): RunningProgram {
  return runProgram(process.execPath, args, options);
}

/** Pids of the processes that have the text in their command line (proc(5)). */
export function processesNaming(text: string): readonly number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && commandLine(entry).includes(text))
    .map(Number);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // It ended between the listing and the look.
    return '';
  }
}
