import { devicesInWords, type DrainCounts } from '../core/drain-plan.js';

/** The answer to the query `progress` of a drain wave. */
export interface DrainProgress extends DrainCounts {
  readonly gatewayId: string;
  readonly devices: number;
  /** Devices that need another round or are in one. */
  readonly open: number;
}

/** The progress of a wave as markdown, for the Web UI. */
export function drainWaveDetails(progress: DrainProgress): string {
  const { gatewayId, devices, open, rows } = progress;
  const ended = (['live', 'parked', 'superseded', 'gone', 'givenUp'] as const).filter((how) => progress[how] > 0);
  return [
    `**${devicesInWords(devices)} of ${gatewayId}**: ${open === 0 ? 'done' : `${open} still draining`}, ${rows} rows delivered`,
    '',
    ...ended.map((how) => `- ${meanings[how]}: ${progress[how]}`),
  ].join('\n');
}

const meanings = {
  live: 'inbox empty, session live',
  parked: 'waiting for a sign of the device',
  superseded: 'taken over by a newer drain',
  gone: 'session gone',
  givenUp: 'given up after every round failed, session closed',
} as const;
