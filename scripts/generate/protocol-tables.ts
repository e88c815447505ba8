import { closeCodes } from '../../protocol/close-codes.js';
import { conversationEvent } from '../../protocol/conversation-event.js';
import { errorCodes, type ErrorMeaning } from '../../protocol/errors.js';
import { limits, rateLimits } from '../../protocol/limits.js';

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}

export function renderCloseCodes(): string {
  return table(
    ['code', 'meaning', 'what a client does'],
    Object.values(closeCodes).map(({ code, meaning, client }) => [`${code}`, meaning, client]),
  );
}

export function renderErrors(): string {
  const rows = Object.entries<ErrorMeaning>(errorCodes).map(([code, { http, retryable, meaning }]) => [
    `\`${code}\``,
    `${http}`,
    retryable ? 'yes' : '',
    meaning,
  ]);
  return table(['code', 'HTTP', 'may be repeated', 'meaning'], rows);
}

export function renderEvents(): string {
  const rows = conversationEvent.options.map(({ shape, description = '' }) => [
    `\`${shape.type.value}\``,
    Object.keys(shape)
      .filter((name) => name !== 'type' && name !== 'version')
      .map((name) => `\`${name}\``)
      .join(', '),
    description,
  ]);
  return table(['type', 'beside `version`', 'meaning'], rows);
}

export function renderLimits(): string {
  return table(
    ['limit', 'value'],
    Object.entries(limits).map(([name, value]) => [`\`${name}\``, value.toLocaleString('en-US')]),
  );
}

export function renderRateLimits(): string {
  const rows = Object.entries(rateLimits).map(([name, { burst, perSecond, whenStoreIsAway }]) => [
    `\`${name}\``,
    `${burst}`,
    perSecond >= 0.01 ? `${perSecond}` : `${Math.round(perSecond * 3_600)} an hour`,
    whenStoreIsAway === 'open' ? 'lets pass' : 'refuses',
  ]);
  return table(['bucket', 'at once', 'then, a second', 'while its store is away'], rows);
}
