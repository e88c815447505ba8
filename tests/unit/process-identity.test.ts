import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

import { expect, test } from '@jest/globals';

import { processStartedAt } from '../../app/engines/process-identity.js';
import { eventually } from '../support/eventually.js';

const onLinux = process.platform === 'linux' ? test : test.skip;

// An engine whose first thread ended may hold its files and ports for as long as its other threads take.
onLinux('a process is there until its last thread has ended, and not when its parent only has not asked yet', async () => {
  const script = [
    'import ctypes, os, subprocess, sys, threading',
    'ended = subprocess.Popen(["true"])',
    'os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)',
    'print(ended.pid, flush=True)',
    'threading.Thread(target=sys.stdin.read).start()',
    'ctypes.CDLL(None).pthread_exit(None)',
  ];
  const child = spawn('python3', ['-c', script.join('\n')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const pid = child.pid ?? 0;
  const startedAt = processStartedAt(pid);
  expect(startedAt).toMatch(/^\d+$/);
  await eventually(() => expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toContain(') Z '));
  expect(processStartedAt(pid)).toBe(startedAt);
  expect(processStartedAt(Number(line))).toBeUndefined();

  child.stdin.end();
  await exited;
  expect(processStartedAt(pid)).toBeUndefined();
});
