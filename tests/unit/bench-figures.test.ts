import { spawn } from 'node:child_process';

import { describe, expect, test } from '@jest/globals';
import { check } from 'prettier';

import { Recorder } from '../../bench/load/recorder.js';
import { summariseProfile } from '../../bench/process/cpu-profile.js';
import { measureCpu } from '../../bench/process/measure-cpu.js';
import { parseStat } from '../../bench/process/process-tree.js';
import { parseMachineTime } from '../../bench/process/stolen-time.js';
import { renderBenchmarks, replaceFigures, type BenchmarkResults } from '../../bench/report/benchmark-tables.js';
import { summariseRuns } from '../../bench/report/load-figures.js';
import { median } from '../../bench/report/median.js';
import type { LoadMeasurement } from '../../bench/scenarios/measure-load.js';

function run(exchanges: number, p99Ms: number, ownMs: number): LoadMeasurement {
  const latency = { p50Ms: 1, p95Ms: 2, p99Ms, maxMs: 30 };
  return {
    target: 'server',
    plan: { pairs: 10, shape: { kind: 'open', perSecond: 200 }, warmUpMs: 0, measureMs: 1_000 },
    report: {
      measuredMs: 1_000,
      exchanges,
      exchangesPerSecond: exchanges,
      latency: { accepted: latency, delivered: latency, receipted: latency },
      lateness: latency,
      counts: { sent: exchanges, accepted: exchanges, delivered: exchanges, receipted: exchanges, duplicates: 0, refused: {} },
      unfinished: 0,
    },
    cpu: { ownMs, childrenMs: { postgres: exchanges, idle: 0 } },
    stolen: 0.002,
    fromUs: 0,
    untilUs: 0,
  };
}

const results: BenchmarkResults = {
  command: 'npm run bench',
  machine: 'a machine',
  date: '2026-01-01',
  loads: [summariseRuns([run(200, 3, 100)])],
  idle: [
    {
      target: 'server',
      base: { rssBytes: 2 ** 28, collectedBytes: 2 ** 27 },
      steps: [{ sessions: 1_024, rssBytes: 2 ** 29, collectedBytes: 2 ** 27 + 2 ** 22 }],
    },
  ],
};

describe('figures of a benchmark', () => {
  test('the median is the middle value, or the mean of the two in the middle', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(() => median([])).toThrow(RangeError);
  });

  test('several runs become medians figure by figure, children below a microsecond are left out', () => {
    const figures = summariseRuns([run(100, 9, 100), run(200, 3, 400), run(300, 6, 300)]);
    expect(figures).toMatchObject({ repeats: 3, exchangesPerSecond: 200, cpuMsPerExchange: 1, childCpuMsPerExchange: { postgres: 1 } });
    expect(figures.latency.accepted.p99Ms).toBe(6);
  });

  test('only messages that were due in the measured time count for latencies, only those that ended in it for the rate', () => {
    const recorder = new Recorder();
    recorder.measure(100, 200);
    recorder.reached('receipted', 90, 110);
    recorder.reached('receipted', 150, 160);
    recorder.reached('receipted', 199, 250);
    expect(recorder.completed).toBe(2);
    expect(recorder.counts().receipted).toBe(3);
    expect(recorder.latency('receipted').maxMs).toBeCloseTo(51, 0);
  });

  test('the document keeps its text, gets the tables between its markers, and needs no reformatting', async () => {
    const document = '# Title\n\n<!-- figures: begin -->\n\nold\n\n<!-- figures: end -->\n\nEnd.\n';
    const replaced = replaceFigures(document, 'figures', renderBenchmarks(results));
    expect(replaced).toMatch(/^# Title\n/);
    expect(replaced).toMatch(/End\.\n$/);
    expect(replaced).not.toContain('old');
    expect(replaced).toContain('| 4.0 KB ');
    expect(replaceFigures(replaced, 'figures', renderBenchmarks(results))).toBe(replaced);
    expect(await check(replaced, { parser: 'markdown' })).toBe(true);
    expect(() => replaceFigures('no markers', 'figures', renderBenchmarks(results))).toThrow('figures: begin');
  });

  test('a process name may hold spaces and parentheses', () => {
    const fields = ['S', '41', ...Array.from({ length: 9 }, () => '0'), '250', '50', ...Array.from({ length: 8 }, () => '0'), '100', '0'];
    expect(parseStat(42, `42 (a (b) c) ${fields.join(' ')}`)).toEqual({ pid: 42, parentPid: 41, name: 'a (b) c', cpuMs: 3_000, rssBytes: 409_600 });
  });

  test('stolen time is the eighth of the times of all cores', () => {
    const stat = 'cpu  100 0 50 800 20 0 10 20 7 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n';
    expect(parseMachineTime(stat)).toEqual({ total: 1_000, stolen: 20 });
  });

  test('self time is summed by function and by room, inside the asked time only', () => {
    const frame = (functionName: string, url: string) => ({ functionName, url, lineNumber: 9, columnNumber: 0 });
    const profile = {
      nodes: [
        { id: 1, callFrame: frame('work', 'file:///app/gateway/websocket/session.ts') },
        { id: 2, callFrame: frame('pack', 'file:///app/node_modules/msgpackr/pack.js') },
        { id: 3, callFrame: frame('(idle)', '') },
      ],
      startTime: 1_000,
      samples: [3, 1, 1, 2, 3],
      timeDeltas: [0, 100, 100, 100, 100],
    };
    const { functions, rooms, totalMs } = summariseProfile(profile, '/app', 1_050, 1_400);
    expect(totalMs).toBeCloseTo(0.3);
    expect(functions.map(({ name }) => name)).toEqual(['work gateway/websocket/session.ts:10', 'pack node_modules/msgpackr/pack.js:10']);
    expect(rooms.map(({ name }) => name)).toEqual(['gateway', 'msgpackr']);
  });
});

const onLinux = process.platform === 'linux' ? test : test.skip;

describe('CPU time from /proc', () => {
  onLinux('what a child burns is charged to its program, not to its parent', async () => {
    const spin =
      'console.log("up"); const until = Date.now() + 400; while (Date.now() < until); setInterval(() => undefined, 1000); console.log("done")';
    const child = spawn(process.execPath, ['-e', spin], { stdio: ['ignore', 'pipe', 'inherit'] });
    const said = (word: string) =>
      new Promise<void>((resolve) => {
        child.stdout.on('data', (chunk: Buffer) => {
          if (chunk.toString().includes(word)) resolve();
        });
      });
    const done = said('done');
    await said('up');
    const end = measureCpu({ processes: [process.pid], engines: {} });
    await done;
    const spent = end();
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
    expect(spent?.childrenMs.node).toBeGreaterThan(100);
    expect(spent?.ownMs).toBeLessThan(spent?.childrenMs.node ?? 0);
  });
});
