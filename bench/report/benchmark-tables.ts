import { stages } from '../load/recorder.js';
import { bytesPerSession, type IdleMeasurement } from '../scenarios/measure-idle-sessions.js';
import { coreMs } from './cells.js';
import type { LoadFigures } from './load-figures.js';

/** Where figures come from. */
export interface Made {
  readonly command: string;
  readonly machine: string;
  readonly date: string;
}

export interface BenchmarkResults extends Made {
  readonly loads: readonly LoadFigures[];
  readonly idle: readonly IdleMeasurement[];
}

/** The tables of docs/benchmarks.md that a run makes. */
type Table = 'figures' | 'group figures' | 'drain figures';
export type Figures = Table | `distributed ${Table}`;

/** The document with these figures replaced. Throws when their markers are missing. */
export function replaceFigures(document: string, name: Figures, figures: string): string {
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const from = document.indexOf(begin);
  const until = document.indexOf(end);
  if (from < 0 || until < from) throw new Error(`the document must hold ${begin} and ${end}`);
  return `${document.slice(0, from + begin.length)}\n\n${figures}\n${document.slice(until)}`;
}

/** Markdown: where the figures come from, then one table for each kind of load. */
export function renderBenchmarks({ command, machine, date, loads, idle }: BenchmarkResults): string {
  const closed = loads.filter(({ plan }) => plan.shape.kind === 'closed');
  const open = loads.filter(({ plan }) => plan.shape.kind === 'open');
  return [
    madeBy({ command, machine, date }),
    ...(closed.length === 0 ? [] : ['### As fast as it goes (closed loop)\n', closedTable(closed)]),
    ...(open.length === 0 ? [] : ['### At a fixed rate (open loop)\n', openTable(open)]),
    ...(idle.length === 0 ? [] : ['### Idle sessions\n', idleTable(idle)]),
  ].join('\n');
}

export function madeBy({ command, machine, date }: Made): string {
  return `Made by \`${command}\` on ${date}: ${machine}.\n`;
}

const latencyHeads = stages.map((stage) => `${stage} p50 / p95 / p99 ms`);

function closedTable(loads: readonly LoadFigures[]): string {
  return table(
    ['server', 'pairs x window', 'exchanges/s', ...latencyHeads, 'server core-ms per exchange', 'stolen', 'runs'],
    loads.map((load) => [
      load.target,
      load.plan.shape.kind === 'closed' ? `${load.plan.pairs} x ${load.plan.shape.window}` : '',
      wholeNumber(load.exchangesPerSecond),
      ...latencies(load),
      coreMs(load.cpuMsPerExchange, load.childCpuMsPerExchange),
      percent(load.stolen),
      seconds(load),
    ]),
  );
}

function openTable(loads: readonly LoadFigures[]): string {
  return table(
    [
      'server',
      'exchanges/s',
      'pairs',
      ...latencyHeads,
      'of that the generator was late p50 / p99 ms',
      'server core-ms per exchange',
      'stolen',
      'runs',
    ],
    loads.map((load) => [
      load.target,
      wholeNumber(load.exchangesPerSecond),
      `${load.plan.pairs}`,
      ...latencies(load),
      `${milliseconds(load.lateness.p50Ms)} / ${milliseconds(load.lateness.p99Ms)}`,
      coreMs(load.cpuMsPerExchange, load.childCpuMsPerExchange),
      percent(load.stolen),
      seconds(load),
    ]),
  );
}

function idleTable(idle: readonly IdleMeasurement[]): string {
  return table(
    ['server', 'sessions', 'RSS, collected', 'RSS as found', 'for each session more than in the row above'],
    idle.flatMap(({ target, base, steps }) => {
      const rows = [{ sessions: 0, ...base }, ...steps];
      return rows.map((row, index) => {
        const before = rows[index - 1];
        const each = before === undefined ? '' : `${(bytesPerSession(before, row) / 1024).toFixed(1)} KB`;
        return [target, wholeNumber(row.sessions), megabytes(row.collectedBytes), megabytes(row.rssBytes), each];
      });
    }),
  );
}

/** With padded cells, as the formatter of this repository wants them. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, column) => Math.max(3, head.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) => `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(heads), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line), ''].join('\n');
}

function latencies({ latency }: LoadFigures): readonly string[] {
  return stages.map((stage) => [latency[stage].p50Ms, latency[stage].p95Ms, latency[stage].p99Ms].map(milliseconds).join(' / '));
}

function seconds({ repeats, plan }: LoadFigures): string {
  return `${repeats} x ${plan.measureMs / 1000} s`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function milliseconds(value: number): string {
  return value.toFixed(1);
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MB`;
}

function wholeNumber(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
