import { allSettings } from './load-config.js';
import { Secret } from './secret.js';

/** docs/configuration.md. */
export function renderConfigurationDoc(): string {
  const rows = allSettings().map(({ variable, meaning, fallback }) => `| \`${variable}\` | ${shown(fallback)} | ${meaning} |`);
  return [
    '# Configuration',
    '',
    'Everything is set by environment variables, and everything has a default that works on one machine. A variable that does not exist, or a value that will not do,',
    'stops the start with a line that names it.',
    '',
    '| variable | default | meaning |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function shown(fallback: unknown): string {
  if (fallback instanceof Secret) return `\`${fallback.reveal()}\``;
  const text = Array.isArray(fallback)
    ? fallback.map(String).join(',')
    : typeof fallback === 'string' || typeof fallback === 'number'
      ? `${fallback}`
      : '';
  return text === '' ? '' : `\`${text}\``;
}
