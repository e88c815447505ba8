import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';

/** What happens behind the log: one helper an event, one counter and at most one log line each. */
export interface PipelineEvents {
  historyWritten(messages: number, aliases: number): void;
  /** Heads of channels that were told to gateways. */
  headsTold(heads: number): void;
  /** Records went on their way to devices: with one look-up for all of them, and a frame for each record and gateway. */
  routed(records: number, frames: number): void;
  /** A push was answered by its session. */
  pushed(answer: 'delivered' | 'refused' | 'gone' | 'lost'): void;
  queued(rows: number): void;
  receiptsHandled(records: number, watermarks: number): void;
  /** A store or the registry did not answer; the stage tries again. */
  retried(stage: string, error: unknown): void;
}

export function createPipelineEvents(logger: Logger, registry: Registry): PipelineEvents {
  const registers = [registry];
  const counter = <Label extends string = never>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter<Label>({ name: `heliograph_pipeline_${name}_total`, help, labelNames, registers });
  const written = counter('history_messages', 'Messages written to history.');
  const aliases = counter('history_aliases', 'Second positions of messages that had one already.');
  const heads = counter('channel_heads', 'Heads of channels that were told to gateways.');
  const routed = counter('routed', 'Messages, keys and events routed to devices.');
  const lookups = counter('route_lookups', 'Look-ups of sessions made for them.');
  const frames = counter('push_frames', 'Frames sent to gateways for them, each for all its devices there.');
  const pushes = counter('pushes', 'Pushes to sessions, by answer.', ['answer']);
  const rows = counter('inbox_rows', 'Rows written to inboxes.');
  const receipts = counter('receipts', 'Receipt records handled.');
  const watermarks = counter('watermarks', 'Watermarks raised for them.');
  const retries = counter('retries', 'Calls tried again because a store or the registry did not answer, by stage.', ['stage']);
  return {
    historyWritten: (messages, second) => {
      written.inc(messages);
      aliases.inc(second);
    },
    headsTold: (count) => {
      heads.inc(count);
    },
    routed: (records, pushed) => {
      routed.inc(records);
      lookups.inc();
      frames.inc(pushed);
    },
    pushed: (answer) => {
      pushes.inc({ answer });
    },
    queued: (count) => {
      rows.inc(count);
    },
    receiptsHandled: (records, marks) => {
      receipts.inc(records);
      watermarks.inc(marks);
    },
    retried: (stage, error) => {
      retries.inc({ stage });
      logger.debug({ stage, err: error }, 'trying again');
    },
  };
}
