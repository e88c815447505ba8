import { devicesInWords } from '../core/drain-plan.js';

/** The answer to the query `progress` of a recovery. */
export interface RecoveryProgress {
  readonly gatewayId: string;
  readonly state: keyof typeof states;
  /** That had not come back when it began. */
  readonly devices: number;
  /** Devices that stayed away, and are asked to come. */
  readonly stayedAway: number;
  /** Devices that have not come back. */
  readonly away: number;
  /** How long whoever came now would wait to be let in. */
  readonly lineMs: number;
}

const states = {
  begun: 'it begins',
  correcting: 'when its devices were last seen is corrected',
  watching: 'its devices come back',
  waking: 'those who stayed away are woken',
  done: 'done',
} as const;

/** The progress of a recovery as markdown, for the Web UI. */
export function recoveryDetails({ gatewayId, state, devices, away, stayedAway, lineMs }: RecoveryProgress): string {
  const lines = [
    `**${gatewayId} was lost, ${devicesInWords(devices)} had not come back when this began**: ${states[state]}`,
    '',
    `- back: ${devices - away - stayedAway}`,
    ...(away > 0 ? [`- away: ${away}`] : []),
    ...(stayedAway > 0 ? [`- stayed away, woken by push if something waits for them: ${stayedAway}`] : []),
    ...(lineMs > 0 ? [`- devices wait in line; whoever came now would be let in after ${Math.ceil(lineMs / 1_000)} s`] : []),
  ];
  return lines.join('\n');
}
