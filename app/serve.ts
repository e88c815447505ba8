import { createLogger, type Logger } from '../telemetry/logger.js';
import { addressToOpen } from './address-to-open.js';
import { Closer } from './closer.js';
import { ConfigError, loadConfig, type Config } from './config/load-config.js';
import { openDataDirectory } from './data-directory.js';
import type { EmbeddedServer } from './profiles/embedded.js';
import { StartError } from './start-error.js';
import { tuneHeap } from './tune-heap.js';

/**
 * Runs a server in this process until SIGINT or SIGTERM, telling on stdout what it does; the log goes to stderr. A start that fails is a line with its remedy and exit code 1.
 * A second signal ends the process at once; the engines beside it end with it.
 */
export async function serve(): Promise<void> {
  tuneHeap();
  const config = configOrExit();
  const logger = createLogger(config.logging.level, { write: (line) => process.stderr.write(line) });
  const closer = new Closer(logger);
  const stop = onceSignalled(closer);
  try {
    const ready = await startServer(config, logger, closer);
    if (!stop.signalled()) say(ready);
  } catch (error) {
    await closer.close();
    if (!stop.signalled()) fail(error);
  }
}

/** Loads one profile, without the engines' clients of the other, and answers what to tell when it is up. */
async function startServer(config: Config, logger: Logger, closer: Closer): Promise<string> {
  if (config.process.profile === 'distributed') return startRoles(config, logger, closer);
  const data = openDataDirectory(config.storage.dataDirectory);
  closer.add('data directory', () => {
    data.unlock();
  });
  say(`Heliograph starts, data in ${data.path}`);
  const progress = (part: string, tookMs: number) => {
    say(`  ${part.padEnd(24)} up in ${(tookMs / 1_000).toFixed(1)} s`);
  };
  const { startEmbedded } = await import('./profiles/embedded.js');
  return welcome(await startEmbedded({ config, data, logger, closer, progress }));
}

async function startRoles(config: Config, logger: Logger, closer: Closer): Promise<string> {
  say(`Heliograph starts as ${config.process.roles.join(', ')}`);
  const waiting = (name: string) => {
    say(`  waiting for ${name}`);
  };
  const { startDistributed } = await import('./profiles/distributed.js');
  const { publicPort, adminPort } = await startDistributed({ config, logger, closer, waiting });
  const { host } = config.network;
  const lines = [`  Metrics, health   ${addressToOpen(host, adminPort)}/metrics, /readyz`];
  if (publicPort !== undefined) lines.unshift(`  WebSocket, REST   ${addressToOpen(host, publicPort)}`);
  return ['Ready.', ...lines].join('\n');
}

function configOrExit(): Config {
  try {
    return loadConfig();
  } catch (error) {
    fail(error);
    process.exit(1);
  }
}

function onceSignalled(closer: Closer): { signalled(): boolean } {
  let signalled = false;
  const stop = () => {
    if (signalled) process.exit(1);
    signalled = true;
    say('\nStopping; once more Ctrl-C cuts it short');
    void closer.close().then(() => {
      say('Stopped');
      process.exit(process.exitCode ?? 0);
    });
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return { signalled: () => signalled };
}

function welcome({ publicUrl, adminUrl, temporalUiUrl }: EmbeddedServer): string {
  const addresses = [
    ['WebSocket', `${publicUrl.replace(/^http/, 'ws')}/v1/socket`],
    ['REST', `${publicUrl}/v1`],
    ['Documentation', `${publicUrl}/docs`],
    ['Temporal Web UI', temporalUiUrl],
    ['Metrics, health', `${adminUrl}/metrics, /readyz`],
  ];
  const lines = addresses.filter(([, url]) => url !== undefined).map(([name, url]) => `  ${name?.padEnd(17)} ${url}`);
  const server = publicUrl === 'http://127.0.0.1:8080' ? '' : ` --server ${publicUrl}`;
  return [
    '\nReady.\n',
    ...lines,
    '\nTry next, each in a terminal of its own:\n',
    `  npx heliograph chat --handle bob${server}`,
    `  npx heliograph chat --handle alice --with bob${server}`,
    '\nCtrl-C stops everything; data stay.',
  ].join('\n');
}

function fail(error: unknown): void {
  process.exitCode = 1;
  if (error instanceof StartError) complain(`${error.message}; ${error.remedy}`);
  else if (error instanceof ConfigError) for (const line of error.message.split('\n')) complain(line);
  else complain(`it cannot start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function complain(line: string): void {
  process.stderr.write(`heliograph: ${line}\n`);
}
