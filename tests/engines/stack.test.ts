import { describe, expect, test } from '@jest/globals';

import { runNode } from '../support/run-program.js';

describe('heliograph stack', () => {
  const stack = (...args: readonly string[]) => runNode(['dist/cli/main.js', 'stack', ...args]).ended;

  test('shows what runs, brings back what was killed, and leaves the rest alone', async () => {
    const pids = async (): Promise<Readonly<Record<string, string | undefined>>> => {
      const rows = [...(await stack('status')).stdout.matchAll(/^ +(\S+) +\S+ +pid (\d+) +\d+ MiB$/gm)];
      return Object.fromEntries(rows.map(([, engine = '', pid]) => [engine, pid]));
    };
    const before = await pids();
    expect(Object.keys(before)).toEqual(expect.arrayContaining(['kafka', 'cassandra', 'redis', 's3', 'postgres', 'temporal']));
    expect((await stack('kill', 'redis')).code).toBe(0);
    expect(await pids()).toEqual({ ...before, redis: undefined });
    expect((await stack('start')).stdout).toMatch(/redis +ready after/);
    const { redis, ...rest } = await pids();
    expect(redis).not.toBe(before['redis']);
    expect({ ...rest, redis: before['redis'] }).toEqual(before);
  }, 60_000);

  test('says what it has when it is asked for something else', async () => {
    const { code, stderr } = await stack('kill', 'nonsense');
    expect(stderr).toMatch(/^heliograph: the stack has no nonsense; it has kafka, [^\n]+haproxy\n$/);
    expect(code).toBe(1);
  });
});
